import MessageBus
import NIOCore
import NIOEmbedded
import StrictJSON
import Testing
import WebSocketTransport

@testable import Broadcasting

struct FanOutTests {
    @Test("A batch reaches the readers of its topics in order, in one write")
    func reaches() throws {
        let fixture = ShardFixture()
        let onA = try fixture.reader(fixture.interest("a"))
        let onBoth = try fixture.reader(fixture.interest("a", "b"))
        let onAll = try fixture.reader(fixture.interest("*"))
        let onNone = try fixture.reader(fixture.interest("c"))
        fixture.deliver([
            fixture.alert(on: "a"), fixture.alert(on: "b"), fixture.alert(on: "d"), fixture.alert(on: "a"),
        ])
        let writes = onAll.writes()
        #expect(writes.map { String(buffer: $0).split(separator: "\n").count } == [4])
        #expect(try onA.offsets() == [1, 4])
        #expect(try onBoth.offsets() == [1, 2, 4])
        #expect(try onNone.offsets() == [])
    }

    @Test("Filters decide for an audience: priority any of, tags all of, title and text exactly")
    func filters() throws {
        let fixture = ShardFixture()
        let urgent = try fixture.reader(fixture.interest("a", filter: AlertFilter(priorities: [.high, .max])))
        let normal = try fixture.reader(fixture.interest("a", filter: AlertFilter(priorities: [.normal])))
        let tagged = try fixture.reader(fixture.interest("a", filter: AlertFilter(tags: ["x", "y"])))
        let exact = try fixture.reader(fixture.interest("a", filter: AlertFilter(message: "two")))
        fixture.deliver([
            fixture.alert("one", priority: .max, tags: ["x"]), fixture.alert("two", tags: ["y", "x", "z"]),
            fixture.alert("three", priority: .normal),
        ])
        #expect(try urgent.offsets() == [1])
        #expect(try normal.offsets() == [2, 3])
        #expect(try tagged.offsets() == [2])
        #expect(try exact.offsets() == [2])
    }

    @Test("The same alert in every wire form")
    func forms() throws {
        let fixture = ShardFixture()
        let readers = try WireForm.allCases.map { try fixture.reader(fixture.interest("a"), form: $0) }
        let alert = fixture.alert("two\nlines")
        fixture.deliver([alert])
        let json = String(decoding: alert.encoded, as: UTF8.self)
        let texts = try readers.map { try $0.text() }
        #expect(texts[Int(WireForm.webSocket.rawValue)].hasSuffix(json))
        #expect(texts[Int(WireForm.eventStream.rawValue)] == "id: \(alert.position.id)\ndata: \(json)\n\n")
        #expect(texts[Int(WireForm.jsonLines.rawValue)] == json + "\n")
        #expect(texts[Int(WireForm.rawLines.rawValue)] == "two lines\n")
        #expect(texts[Int(WireForm.cloudEvents.rawValue)].contains(#""specversion":"1.0""#))
    }

    /// More readers than a slice, so that the loop turns in the middle of the batch.
    @Test("Who joins, leaves or changes topics in the middle of a fan-out gets everything once")
    func interleaves() throws {
        let fixture = ShardFixture()
        var readers = try (0..<1_400).map { _ in try fixture.reader(fixture.interest("a")) }
        fixture.submit([fixture.alert(), fixture.alert()])
        #expect(fixture.shard.fanOut != nil, "the batch was written in one slice")
        let visited = readers.filter { fixture.shard.settled($0.reader) == fixture.shard.head }.count
        #expect(visited > 0 && visited < readers.count)
        for index in stride(from: 0, to: 200, by: 7).reversed() {
            readers[index].leave()
            readers.remove(at: index)
        }
        let late = try fixture.reader(fixture.interest("a"), since: .all)
        let live = try fixture.reader(fixture.interest("a"))
        let moved = readers[300]
        fixture.shard.refollow(
            moved.reader, fixture.interest("a", "b"), adding: fixture.interest("b"),
            from: Opening(cursor: fixture.shard.head))
        fixture.submit([fixture.alert(), fixture.alert(on: "b")])
        fixture.loop.run()
        #expect(try late.offsets() == [1, 2, 3])
        #expect(try live.offsets() == [3])
        #expect(try moved.offsets() == [1, 2, 3, 4])
        for reader in readers where reader !== moved { #expect(try reader.offsets() == [1, 2, 3]) }
    }

    @Test("A slow reader is ended when its bound is reached, and nobody else is held up")
    func slow() throws {
        let fixture = ShardFixture(HubConfiguration(maximumPending: 2_000))
        let slow = try fixture.reader(fixture.interest("a"))
        let quick = try fixture.reader(fixture.interest("a"))
        slow.stopReading()
        var count = 0
        while slow.ended == nil && count < 100 {
            fixture.deliver([fixture.alert(String(repeating: "x", count: 200))])
            count += 1
        }
        #expect(slow.ended == .slow)
        #expect(count < 20)
        slow.goOnReading()
        let received = try slow.offsets()
        #expect(received == Array(1...received.count), "something was dropped from the middle")
        #expect(try quick.offsets() == Array(1...count))
    }
}
