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
                    time: last.advanced(byMilliseconds: seconds * 1_000),
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
                entries: words.map { .next(Reference(author: $0.0, number: $0.1), healedFrom: nil) }))
    }

    /// The first places of an epoch, with where the alerts stood before.
    private static func place(_ epoch: UInt64, healing words: (String, UInt64, Position?)...) -> Word.Saying {
        .place(
            Placement(
                first: Position(epoch: epoch, offset: 1),
                entries: words.map { .next(Reference(author: $0.0, number: $0.1), healedFrom: $0.2) }))
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

    /// The same, and then an alert in an epoch of the other one.
    private static let streamOfTwoEpochs: Stream = {
        var stream = Self.stream
        stream.say("b", 3, .epoch(8, predecessor: Position(epoch: 7, offset: 3)))
        stream.say("b", 4, alert())
        stream.say("b", 5, place(8, 1, ("b", 4)))
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
                            .next(Reference(author: "b", number: 1), healedFrom: nil),
                            .repeated(Reference(author: "c", number: 1), of: first),
                            .next(Reference(author: "c", number: 2), healedFrom: nil),
                            .next(Reference(author: "c", number: 3), healedFrom: nil),
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
        let epoch = log.unclaimedEpoch(at: Self.start)
        _ = log.take(stream.say("b", 3, .claim(epoch)))
        #expect(epoch > 8 && log.begin(epoch) == .epoch(epoch, predecessor: end))
        _ = log.take(stream.say("b", 4, .epoch(epoch, predecessor: end)))
        _ = log.take(stream.say("b", 5, Self.alert()))
        let places = log.place()
        _ = log.take(stream.say("b", 6, try #require(places)))
        #expect(log.tail.newest?.stored.predecessor == end && log.state?.predecessor == end)
        #expect(positions(log) == (1...3).map { Position(epoch: 7, offset: $0) } + [Position(epoch: epoch, offset: 1)])
    }

    @Test("who has not got so far enters the next epoch only behind what it follows")
    func late() {
        let stream = Self.streamOfTwoEpochs
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
        let lost = Position(epoch: 7, offset: 3)
        #expect(places == Self.place(8, healing: ("b", 2, lost), ("c", 2, nil)))
        _ = log.take(stream.say("c", 3, try #require(places)))
        let healed = log.tail.entries(after: Position(epoch: 8, offset: 0)).map(\.stored.healedFrom)
        #expect(healed == [lost, nil])
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
        let stream = Self.streamOfTwoEpochs
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
        let epoch = log.unclaimedEpoch(at: Self.start)
        #expect(log.begin(epoch) == nil, "not claimed yet")
        _ = log.take(stream.say("me", 1, .claim(epoch)))
        #expect(log.begin(epoch) == .epoch(epoch, predecessor: .origin))
        _ = log.take(stream.say("me", 2, .epoch(epoch, predecessor: .origin)))
        #expect(log.known == Standing(head: Position(epoch: epoch, offset: 0), leader: "me"))
        #expect(log.begin(epoch) == nil, "it has begun")
        let next = log.unclaimedEpoch(at: Self.start)
        _ = log.take(stream.say("me", 3, .claim(next)))
        #expect(next > epoch && log.begin(next) == .epoch(next, predecessor: .origin))
    }

    @Test("who leads cedes to a later epoch, and the next leader follows on all that it placed")
    func ceding() throws {
        var stream = Stream()
        stream.say("a", 1, .epoch(7, predecessor: .origin))
        let raised = stream.say("b", 3, Self.alert())
        var (old, new) = (Self.log("a"), Self.log("b"))
        for heard in stream.heard { _ = old.take(heard) }
        _ = new.take(stream.heard[0])
        let last = old.place()
        #expect(last == Self.place(7, 1, ("b", 3)))
        let claim = stream.say("b", 4, .claim(8))
        #expect(old.take(claim) == [.claimed(8), .ceded(7)])
        let late = stream.say("c", 1, Self.alert())
        _ = old.take(late)
        #expect(old.place() == nil && !old.hasLeaderEnded)

        #expect(new.take(claim) == [.claimed(8)])
        _ = new.take(late)
        #expect(!new.isComplete)
        for heard in [raised, stream.say("a", 5, try #require(last)), stream.say("a", 6, .cede(7))] {
            _ = new.take(heard)
        }
        #expect(new.isComplete)
        let beginning = new.begin(8)
        #expect(beginning == .epoch(8, predecessor: Position(epoch: 7, offset: 1)))
        #expect(new.take(stream.say("b", 5, try #require(beginning))) == [.began(8)])
        #expect(new.place() == Self.place(8, 1, ("c", 1)))
        // Of the lead before: the new one goes on.
        _ = new.take(stream.say("a", 6, .cede(7)))
        #expect(!new.hasLeaderEnded)
    }

    @Test("a leader that leaves has said its last word; that another one takes it for gone says nothing of that")
    func leaving() throws {
        var stream = Self.stream
        var log = Self.log("b")
        for heard in stream.heard { _ = log.take(heard) }
        let leader = try #require(VMIdentity(id: "vm-a", region: "here", boot: "a"))
        _ = log.take(stream.say("b", 3, .leave(leader)))
        #expect(!log.hasLeaderEnded)
        _ = log.take(stream.say("a", 5, .leave(leader)))
        #expect(log.hasLeaderEnded && log.isComplete)
    }

    @Test("of several that claim the lead one gets it, in whatever order they are heard")
    func rivals() {
        for (epochs, order) in [((8, 9), [0, 1]), ((8, 9), [1, 0]), ((9, 9), [0, 1]), ((9, 9), [1, 0])] {
            var stream = Self.stream
            let claims = [
                stream.say("b", 3, .claim(UInt64(epochs.0))), stream.say("c", 3, .claim(UInt64(epochs.1))),
            ]
            var (loser, winner) = (Self.log("b"), Self.log("c"))
            for heard in Self.stream.heard + order.map({ claims[$0] }) {
                _ = loser.take(heard)
                _ = winner.take(heard)
            }
            #expect(loser.begin(UInt64(epochs.0)) == nil)
            #expect(winner.begin(9) == .epoch(9, predecessor: Position(epoch: 7, offset: 3)))
        }
    }

    @Test(
        "what still came of the old leader when an epoch had been said to begin is placed again, and says to all where it stood"
    )
    func overtaken() throws {
        var stream = Self.stream
        let end = Position(epoch: 7, offset: 3)
        stream.say("b", 3, Self.alert())
        let late = stream.say("a", 5, Self.place(7, 4, ("b", 3)))
        stream.say("c", 1, .epoch(8, predecessor: end))
        var (leader, behind) = (Self.log("c"), Self.log())
        for heard in stream.heard {
            _ = leader.take(heard)
            if heard != late { _ = behind.take(heard) }
        }
        #expect(leader.head == Position(epoch: 8, offset: 0))
        let places = leader.place()
        let lost = Position(epoch: 7, offset: 4)
        #expect(places == Self.place(8, healing: ("b", 3, lost)))
        let said = stream.say("c", 2, try #require(places))
        for log in [leader, behind] {
            var log = log
            _ = log.take(said)
            #expect(log.tail.newest?.stored.healedFrom == lost)
        }
    }
}
