import MessageBus
import Testing

@testable import GoogleBus

/// How words become the log.
struct TopicLogTests {
    private static let start = WallTime(milliseconds: 1_800_000_000_000)

    /// A topic with words on it, one a second.
    private struct Stream {
        var heard: [Heard] = []

        @discardableResult
        mutating func say(_ author: String, _ number: UInt64, _ saying: Word.Saying, after seconds: Int64 = 1) -> Heard
        {
            let last = heard.last?.time ?? TopicLogTests.start
            heard.append(
                Heard(
                    message: "m\(heard.count)", time: last.advanced(byMilliseconds: seconds * 1_000),
                    word: Word(author: author, number: number, saying: saying)))
            return heard[heard.count - 1]
        }
    }

    private static func alert(_ key: String? = nil, topic: String = "t", healedFrom: Position? = nil) -> Word.Saying {
        .alert(RaisedAlert(topic: Topic(topic)!, key: key, healedFrom: healedFrom, body: [1]))
    }

    private static func place(_ epoch: UInt64, _ offset: UInt64, _ words: (String, UInt64)...) -> Word.Saying {
        .place(
            Placement(
                first: Position(epoch: epoch, offset: offset),
                entries: words.map { .next(Reference(author: $0.0, number: $0.1)) }))
    }

    private static func log(_ boot: String = "me") -> TopicLog {
        var log = TopicLog(boot: boot, retention: Retention(count: 1_000, age: 0))
        log.finishJoining()
        return log
    }

    private func positions(_ log: TopicLog) -> [Position] { log.tail.entries(after: .origin).map(\.position) }

    /// Alerts of two VMs, placed by the first one in another order than they are heard in.
    private static let stream: Stream = {
        var stream = Stream()
        stream.say("a", 1, .epoch(7, predecessor: .origin))
        stream.say("a", 2, alert())
        stream.say("b", 1, alert())
        stream.say("b", 2, alert())
        stream.say("a", 3, place(7, 1, ("b", 1), ("a", 2)))
        stream.say("a", 4, place(7, 3, ("b", 2)))
        return stream
    }()

    @Test("alerts stand where the leader says, in whatever order its words and theirs are heard")
    func placing() {
        for order in [[0, 1, 2, 3, 4, 5], [0, 4, 5, 3, 2, 1], [0, 5, 1, 4, 2, 3], [4, 5, 0, 1, 2, 3]] {
            var log = Self.log()
            for index in order where index != 0 || log.head == nil { _ = log.take(Self.stream.heard[index]) }
            // Places of an epoch that is not known yet are no use.
            if order[0] == 4 { continue }
            #expect(
                log.tail.entries(after: .origin).map(\.reference) == [
                    Reference(author: "b", number: 1), Reference(author: "a", number: 2),
                    Reference(author: "b", number: 2),
                ])
            #expect(positions(log) == (1...3).map { Position(epoch: 7, offset: $0) })
            #expect(log.known == Standing(head: Position(epoch: 7, offset: 3), leader: "a"))
        }
    }

    @Test("what is delivered again changes nothing")
    func redelivery() {
        var log = Self.log()
        for heard in Self.stream.heard { _ = log.take(heard) }
        let known = log.known
        // A leader that hears an alert twice places it once.
        var leader = Self.log("a")
        for heard in Self.stream.heard.prefix(4) + Self.stream.heard.prefix(4) { _ = leader.take(heard) }
        let places = leader.place()
        #expect(places == Self.place(7, 1, ("a", 2), ("b", 1), ("b", 2)))
        for heard in Self.stream.heard { #expect(log.take(heard).isEmpty) }
        #expect(log.known == known && positions(log).count == 3 && log.raised.waiting.isEmpty)
    }

    @Test("the leader places what it hears, once, and finds repetitions")
    func leading() throws {
        var log = Self.log("a")
        var stream = Stream()
        _ = log.take(stream.say("a", 1, .epoch(7, predecessor: .origin)))
        _ = log.take(stream.say("b", 1, Self.alert("k")))
        _ = log.take(stream.say("c", 1, Self.alert("k")))
        _ = log.take(stream.say("c", 2, Self.alert("k", topic: "other")))
        _ = log.take(stream.say("c", 3, Self.alert(healedFrom: Position(epoch: 3, offset: 3))))
        _ = log.take(stream.say("b", 2, Self.alert(healedFrom: Position(epoch: 3, offset: 3))))
        let first = Position(epoch: 7, offset: 1)
        let places = log.place()
        let said = try #require(places)
        #expect(
            said
                == .place(
                    Placement(
                        first: first,
                        entries: [
                            .next(Reference(author: "b", number: 1)),
                            .repeated(Reference(author: "c", number: 1), of: first),
                            .next(Reference(author: "c", number: 2)), .next(Reference(author: "c", number: 3)),
                            .repeated(
                                Reference(author: "b", number: 2), of: Position(epoch: 7, offset: 3)),
                        ])))
        #expect(log.place() == nil)
        #expect(log.take(stream.say("a", 2, said)).count == 5)
        // The key is forgotten after five minutes.
        _ = log.take(stream.say("c", 4, Self.alert("k"), after: 301))
        #expect(log.place() == Self.place(7, 4, ("c", 4)))
    }

    @Test("a new leader's epoch follows where the log was, and places what had no place")
    func succession() throws {
        var stream = Self.stream
        stream.say("b", 3, Self.alert())
        stream.say("b", 4, .epoch(8, predecessor: Position(epoch: 7, offset: 3)))
        var log = Self.log("b")
        for heard in stream.heard { _ = log.take(heard) }
        let places = log.place()
        let said = try #require(places)
        #expect(said == Self.place(8, 1, ("b", 3)))
        _ = log.take(stream.say("b", 5, said))
        #expect(log.tail.newest?.stored.predecessor == Position(epoch: 7, offset: 3))
        #expect(log.state?.predecessor == Position(epoch: 7, offset: 3))
    }

    @Test("epochs without an alert leave no trace: the next alert follows the last one")
    func emptyEpochs() throws {
        var stream = Self.stream
        var log = Self.log("b")
        for heard in stream.heard { _ = log.take(heard) }
        let end = Position(epoch: 7, offset: 3)
        _ = log.take(stream.say("c", 1, .epoch(8, predecessor: end)))
        guard case .epoch(let epoch, let predecessor) = log.takeOver(at: Self.start) else { return }
        #expect(epoch > 8 && predecessor == end)
        _ = log.take(stream.say("b", 3, .epoch(epoch, predecessor: predecessor)))
        _ = log.take(stream.say("b", 4, Self.alert()))
        let places = log.place()
        _ = log.take(stream.say("b", 5, try #require(places)))
        #expect(log.tail.newest?.stored.predecessor == end && log.state?.predecessor == end)
        #expect(positions(log) == (1...3).map { Position(epoch: 7, offset: $0) } + [Position(epoch: epoch, offset: 1)])
    }

    @Test("who has not got so far enters the next epoch only behind what it follows")
    func late() {
        var stream = Self.stream
        stream.say("b", 3, .epoch(8, predecessor: Position(epoch: 7, offset: 3)))
        stream.say("b", 4, Self.alert())
        stream.say("b", 5, Self.place(8, 1, ("b", 4)))
        var log = Self.log()
        for index in [0, 1, 2, 3, 6, 7, 8, 4] { _ = log.take(stream.heard[index]) }
        #expect(log.head == Position(epoch: 7, offset: 2))
        _ = log.take(stream.heard[5])
        #expect(log.head == Position(epoch: 8, offset: 1))
        #expect(positions(log).count == 4)
    }

    @Test("what a leader placed that others had given up is placed again, and says where it stood")
    func revoked() {
        var stream = Self.stream
        stream.say("c", 1, .epoch(8, predecessor: Position(epoch: 7, offset: 2)))
        stream.say("c", 2, Self.place(8, 1, ("b", 2)))
        var log = Self.log()
        for heard in stream.heard { _ = log.take(heard) }
        #expect(log.tail.newest?.stored.healedFrom == Position(epoch: 7, offset: 3))
        #expect(log.tail.newest?.stored.predecessor == Position(epoch: 7, offset: 3))
        // Who had not heard that place has an alert that is new to it.
        var other = Self.log()
        for index in [0, 1, 2, 3, 4, 6, 7] { _ = other.take(stream.heard[index]) }
        #expect(other.tail.newest?.stored.healedFrom == nil)
        #expect(other.tail.newest?.stored.predecessor == Position(epoch: 7, offset: 2))
        #expect(other.take(stream.heard[5]).isEmpty, "a leader that was given up places nothing")
    }

    @Test("a leader places again what it takes back itself")
    func takenBack() throws {
        var stream = Self.stream
        stream.say("c", 1, .epoch(8, predecessor: Position(epoch: 7, offset: 2)))
        stream.say("c", 2, Self.alert())
        var log = Self.log("c")
        for heard in stream.heard { _ = log.take(heard) }
        let places = log.place()
        #expect(places == Self.place(8, 1, ("b", 2), ("c", 2)))
        _ = log.take(stream.say("c", 3, try #require(places)))
        let healed = log.tail.entries(after: Position(epoch: 8, offset: 0)).map(\.stored.healedFrom)
        #expect(healed == [Position(epoch: 7, offset: 3), nil])
    }

    @Test("what does not come is passed over after a while, and said to be missing")
    func missing() {
        var stream = Self.stream
        var log = Self.log()
        for index in [0, 1, 3, 4, 5] {
            #expect(!log.take(stream.heard[index]).contains { if case .passedOver = $0 { true } else { false } })
        }
        #expect(log.take(stream.say("a", 5, .standing(nil), after: 19)).isEmpty)
        let passed = log.take(stream.say("a", 6, .standing(nil), after: 2))
        #expect(passed.contains(.passedOver(upTo: Position(epoch: 7, offset: 1))))
        #expect(positions(log) == [Position(epoch: 7, offset: 2), Position(epoch: 7, offset: 3)])
        #expect(log.tail.floor == Position(epoch: 7, offset: 1))
    }

    @Test("who begins to listen in the middle has the log from the first place whose alert it hears")
    func joining() {
        var log = TopicLog(boot: "late", retention: Retention(count: 1_000, age: 0))
        for index in [3, 4, 5] { _ = log.take(Self.stream.heard[index]) }
        log.finishJoining()
        #expect(positions(log) == [Position(epoch: 7, offset: 3)])
        #expect(log.known == Standing(head: Position(epoch: 7, offset: 3), leader: "a"))
        #expect(log.tail.floor == Position(epoch: 7, offset: 2))
    }

    @Test("who begins to listen waits for what only comes late, as everyone does")
    func joiningOutOfOrder() {
        var stream = Self.stream
        stream.say("b", 3, .epoch(8, predecessor: Position(epoch: 7, offset: 3)))
        stream.say("b", 4, Self.alert())
        stream.say("b", 5, Self.place(8, 1, ("b", 4)))
        // The last alert of an epoch comes after its place, and its place after the next epoch.
        for order in [[0, 1, 2, 4, 5, 3, 6, 7, 8], [0, 1, 2, 3, 4, 6, 7, 8, 5], [0, 1, 2, 4, 6, 8, 7, 5, 3]] {
            var log = TopicLog(boot: "late", retention: Retention(count: 1_000, age: 0))
            for index in order { _ = log.take(stream.heard[index]) }
            log.finishJoining()
            #expect(positions(log) == (1...3).map { Position(epoch: 7, offset: $0) } + [Position(epoch: 8, offset: 1)])
            #expect(log.tail.floor == .origin)
        }
    }

    @Test("who listens anew hears once more what it has, and loses nothing of it")
    func listeningAnew() {
        var log = Self.log()
        for heard in Self.stream.heard { _ = log.take(heard) }
        log.listenAnew()
        var stream = Self.stream
        for heard in stream.heard {
            let effects = log.take(heard)
            #expect(!effects.contains { if case .passedOver = $0 { true } else { false } })
        }
        log.finishJoining()
        #expect(positions(log) == (1...3).map { Position(epoch: 7, offset: $0) })
        _ = log.take(stream.say("b", 3, Self.alert()))
        _ = log.take(stream.say("a", 5, Self.place(7, 4, ("b", 3))))
        #expect(positions(log).count == 4 && log.tail.floor == .origin)
    }

    @Test("who listens anew and hears only the end of what was said keeps what it has")
    func listeningAnewLate() {
        var log = Self.log()
        for heard in Self.stream.heard { _ = log.take(heard) }
        log.listenAnew()
        for heard in Self.stream.heard.suffix(2) { _ = log.take(heard) }
        log.finishJoining()
        #expect(positions(log).count == 3 && log.head == Position(epoch: 7, offset: 3))
    }

    @Test("who begins to listen when nothing is raised learns from others where the log stands")
    func joiningIdle() {
        var stream = Stream()
        let standing = Standing(head: Position(epoch: 7, offset: 30), leader: "a")
        stream.say("b", 9, .standing(standing))
        var log = TopicLog(boot: "late", retention: Retention(count: 1_000, age: 0))
        for heard in stream.heard { _ = log.take(heard) }
        #expect(log.known == nil)
        log.finishJoining()
        #expect(log.known == standing)
        _ = log.take(stream.say("b", 10, Self.alert()))
        _ = log.take(stream.say("a", 40, Self.place(7, 31, ("b", 10))))
        #expect(positions(log) == [Position(epoch: 7, offset: 31)])
    }

    @Test("an epoch after all that are known begins what nobody knows")
    func beginning() {
        var stream = Stream()
        var log = Self.log("me")
        #expect(log.known == nil && log.state == nil)
        guard case .epoch(let epoch, let predecessor) = log.takeOver(at: Self.start) else {
            Issue.record("no epoch")
            return
        }
        #expect(predecessor == .origin)
        _ = log.take(stream.say("me", 1, .epoch(epoch, predecessor: predecessor)))
        #expect(log.known == Standing(head: Position(epoch: epoch, offset: 0), leader: "me"))
        guard case .epoch(let next, let end) = log.takeOver(at: Self.start) else { return }
        #expect(next > epoch && end == .origin)
    }
}
