import MessageBus
import Testing

struct PositionTests {
    @Test("Ids are 12 base-62 characters and come back as the position they stand for")
    func roundTrip() {
        for (epoch, offset) in [(0, 0), (1, 1), (61, 62), (597_000_000, 123_456_789), (Position.maximumComponent, 7)] {
            let position = Position(epoch: UInt64(epoch), offset: UInt64(offset))
            #expect(position.id.count == 12)
            #expect(Position(id: position.id) == position)
        }
        #expect(Position(epoch: 0, offset: 61).id == "00000000000z")
        #expect(Position(epoch: 62, offset: 10).id == "00001000000A")
    }

    @Test("Ids sort as positions do")
    func order() {
        let positions = [(0, 5), (0, 61), (0, 62), (1, 0), (1, 3843), (1, 3844), (62, 1)].map {
            Position(epoch: UInt64($0), offset: UInt64($1))
        }
        #expect(positions.sorted() == positions)
        #expect(positions.map(\.id).sorted() == positions.map(\.id))
    }

    @Test(
        "What is no id is none",
        arguments: ["", "short", "00000000000", "0000000000000", "0000-0000000", "ünïcödeünïcö", "００００００"])
    func refuses(_ text: String) { #expect(Position(id: text) == nil) }

    @Test("Components that an id cannot carry are held at the largest")
    func saturates() {
        #expect(Position(epoch: .max, offset: .max).id == "zzzzzzzzzzzz")
    }
}

struct EpochTests {
    @Test("A new epoch is after the last, whatever the clock says")
    func increases() {
        let now = WallTime(seconds: 1_800_000_000)
        let first = Epoch.beginning(at: now)
        #expect(Epoch.beginning(at: now, after: first) == first + 1)
        #expect(Epoch.beginning(at: WallTime(seconds: 0), after: first) == first + 1)
        #expect(Epoch.beginning(at: now.advanced(byMilliseconds: 100)) == first + 1)
    }

    @Test(
        "A tick ends after it began and at most a tenth of a second later",
        arguments: [0, 1, 99, 100, 101, 1_800_000_000_050] as [Int64])
    func tick(_ milliseconds: Int64) {
        let end = Epoch.end(ofTickAt: WallTime(milliseconds: milliseconds)).milliseconds
        #expect((1...100).contains(end - milliseconds))
    }
}

struct LogTailTests {
    private struct Entry: LogEntry, Equatable {
        let position: Position
        let time: WallTime
        var weight = 10
    }

    private static let start = Position(epoch: 7, offset: 0)

    private func tail(_ count: Int, retention: Retention, spacing: Int64 = 1) -> LogTail<Entry> {
        var tail = LogTail<Entry>(after: Self.start, retention: retention)
        for offset in 1...count {
            let time = WallTime(milliseconds: Int64(offset) * spacing)
            tail.append(Entry(position: Position(epoch: 7, offset: UInt64(offset)), time: time), now: time)
        }
        return tail
    }

    @Test("More than the count is kept as long as it is young")
    func young() {
        let kept = tail(500, retention: Retention(count: 10, age: 1_000, bytes: 1 << 20))
        #expect(kept.count == 500 && kept.floor == Self.start)
    }

    @Test("Old entries go once there are more than the count")
    func old() {
        let kept = tail(500, retention: Retention(count: 10, age: 5, bytes: 1 << 20))
        #expect(kept.count == 10)
        #expect(kept.floor.offset == 490 && kept.head.offset == 500)
    }

    @Test("The byte bound goes before the others, and the newest always stays")
    func bytes() {
        let kept = tail(500, retention: Retention(count: 400, age: 1_000_000, bytes: 95))
        #expect(kept.count == 9 && kept.bytes == 90)
        #expect(tail(5, retention: Retention(count: 1, age: 0, bytes: 1)).count == 1)
    }

    @Test("A cursor is covered from the floor to the head, and answered with what follows it")
    func covers() {
        let kept = tail(100, retention: Retention(count: 20, age: 5, bytes: 1 << 20))
        let floor = kept.floor
        #expect(kept.covers(floor) && kept.covers(kept.head))
        #expect(!kept.covers(Position(epoch: 7, offset: floor.offset - 1)))
        #expect(!kept.covers(kept.head.successor) && !kept.covers(Position(epoch: 6, offset: 90)))
        #expect(kept.entries(after: floor).map(\.position.offset) == Array(floor.offset + 1...100))
        #expect(kept.entries(after: Position(epoch: 7, offset: 97)).map(\.position.offset) == [98, 99, 100])
        #expect(kept.entries(after: kept.head).isEmpty)
    }

    @Test("Cursors by time, by count and after a restart")
    func cursors() {
        var kept = tail(100, retention: Retention(count: 100, age: 5, bytes: 1 << 20), spacing: 10)
        #expect(kept.cursor(before: WallTime(milliseconds: 505)).offset == 50)
        #expect(kept.cursor(before: WallTime(milliseconds: 0)) == Self.start)
        #expect(kept.cursor(before: WallTime(milliseconds: 5_000)) == kept.head)
        #expect(kept.cursor(beforeLast: 3).offset == 97)
        #expect(kept.cursor(beforeLast: 1_000) == Self.start)
        #expect(kept.cursor(beforeLast: 0) == kept.head)
        kept.restart(after: Position(epoch: 9, offset: 0))
        #expect(kept.count == 0 && kept.bytes == 0 && kept.floor == kept.head)
    }

    @Test("An entry that does not come after the head is ignored")
    func ignoresOld() {
        var kept = tail(10, retention: Retention())
        kept.append(
            Entry(position: Position(epoch: 7, offset: 4), time: WallTime(milliseconds: 0)),
            now: WallTime(milliseconds: 0))
        #expect(kept.count == 10)
    }
}

struct RFC3339Tests {
    @Test(
        "Times come back as they were written",
        arguments: [
            ("1970-01-01T00:00:00.000Z", 0), ("2024-02-29T23:59:59.999Z", 1_709_251_199_999),
            ("1969-12-31T23:59:59.000Z", -1000), ("2026-11-21T10:15:03.042Z", 1_795_256_103_042),
        ] as [(String, Int64)])
    func roundTrip(_ text: String, _ milliseconds: Int64) {
        #expect(RFC3339.format(WallTime(milliseconds: milliseconds)) == text)
        #expect(RFC3339.parse(text)?.milliseconds == milliseconds)
    }

    @Test("Offsets and fractions are read")
    func variants() {
        let expected = RFC3339.parse("2026-11-21T10:15:03Z")
        #expect(RFC3339.parse("2026-11-21T11:15:03+01:00") == expected)
        #expect(RFC3339.parse("2026-11-21t02:45:03-07:30") == expected)
        #expect(RFC3339.parse("2026-11-21T10:15:03.5Z")?.milliseconds == expected.map { $0.milliseconds + 500 })
        #expect(RFC3339.parse("2026-11-21T10:15:03.123456789Z")?.milliseconds == expected.map { $0.milliseconds + 123 })
    }

    @Test(
        "What is no timestamp is refused",
        arguments: [
            "", "2026-11-21", "2026-02-29T00:00:00Z", "2026-04-31T00:00:00Z", "2026-13-01T00:00:00Z",
            "2026-11-21T24:00:00Z", "2026-11-21T10:15:03",
            "2026-11-21T10:15:03.Z", "2026-11-21T10:15:03+1:00", "2026-11-21T10:15:03+24:00", "x026-11-21T10:15:03Z",
        ])
    func refuses(_ text: String) { #expect(RFC3339.parse(text) == nil) }
}
