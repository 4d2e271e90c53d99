import CrierTesting
import MessageBus
import NIOCore
import NIOEmbedded
import Reactor
import StrictJSON
import Testing

@testable import Broadcasting

struct ResumeTests {
    private func filled(_ count: Int, _ configuration: HubConfiguration = HubConfiguration()) -> ShardFixture {
        let fixture = ShardFixture(configuration)
        for number in 0..<count {
            fixture.clock.advance(milliseconds: 1_000)
            fixture.deliver([fixture.alert(on: number % 2 == 0 ? "a" : "b")])
        }
        return fixture
    }

    @Test("Every kind of since begins where it says")
    func since() throws {
        let fixture = filled(10)
        let everything = fixture.interest("*")
        #expect(try fixture.reader(everything).offsets() == [])
        #expect(try fixture.reader(everything, since: .all).offsets() == Array(1...10))
        #expect(try fixture.reader(everything, since: .after(fixture.position(7))).offsets() == [8, 9, 10])
        #expect(try fixture.reader(everything, since: .latest(1)).offsets() == [10])
        #expect(try fixture.reader(fixture.interest("a"), since: .latest(1)).offsets() == [9])
        #expect(try fixture.reader(fixture.interest("c"), since: .latest(1)).offsets() == [])
        #expect(try fixture.reader(everything, since: .latest(3)).offsets() == [8, 9, 10])
        #expect(try fixture.reader(everything, since: .latest(1000)).offsets().count == 10)
        let time = fixture.clock.now.advanced(byMilliseconds: -2_500)
        #expect(try fixture.reader(everything, since: .time(time)).offsets() == [8, 9, 10])
        #expect(try fixture.reader(fixture.interest("b"), since: .all).offsets() == [2, 4, 6, 8, 10])
    }

    @Test("A cursor that retention passed gets a reset that names the oldest held, and then everything held")
    func passed() throws {
        let fixture = filled(30, HubConfiguration(retention: Retention(count: 10, age: 0, bytes: 1 << 20)))
        let reader = try fixture.reader(fixture.interest("*"), since: .after(fixture.position(5)))
        let events = try reader.events()
        #expect(events.first?["event"]?.stringValue == "reset")
        #expect(events.first?["reason"]?.stringValue == "retention")
        #expect(events.first?["since"]?.stringValue == fixture.position(5).id)
        #expect(events.first?["oldest"]?.stringValue == fixture.position(21).id)
        #expect(events.first?["id"]?.stringValue == fixture.position(20).id)
        #expect(events.count == 11)
    }

    @Test("A cursor of another epoch gets a reset")
    func otherEpoch() throws {
        let fixture = filled(3)
        let reader = try fixture.reader(fixture.interest("*"), since: .after(Position(epoch: 3, offset: 900)))
        let events = try reader.events()
        #expect(events.first?["reason"]?.stringValue == "epoch")
        #expect(events.count == 4)
    }

    @Test("A cursor at the floor or the head needs no reset")
    func edges() throws {
        let fixture = filled(30, HubConfiguration(retention: Retention(count: 10, age: 0, bytes: 1 << 20)))
        #expect(fixture.shard.opening(for: fixture.interest("*"), since: .after(fixture.position(20))).reset == nil)
        #expect(fixture.shard.opening(for: fixture.interest("*"), since: .after(fixture.position(30))).reset == nil)
        #expect(fixture.shard.opening(for: fixture.interest("*"), since: .after(fixture.position(19))).reset != nil)
    }

    @Test("A reader that is ahead of this VM waits for it, and repeats nothing")
    func ahead() throws {
        let fixture = filled(3)
        let reader = try fixture.reader(fixture.interest("*"), since: .after(fixture.position(5)))
        fixture.deliver([fixture.alert(), fixture.alert()])
        #expect(try reader.offsets() == [])
        fixture.deliver([fixture.alert()])
        #expect(try reader.offsets() == [6])
    }

    @Test("A cursor that this VM does not reach in time gets a reset and goes live")
    func neverReached() throws {
        let fixture = filled(3, HubConfiguration(patience: 2))
        let reader = try fixture.reader(fixture.interest("*"), since: .after(fixture.position(500)))
        fixture.shard.tick()
        #expect(try reader.events().isEmpty)
        fixture.shard.tick()
        #expect(try reader.events().first?["reason"]?.stringValue == "unknown")
        fixture.deliver([fixture.alert()])
        #expect(try reader.offsets() == [4])
    }

    @Test("While the bus is away the time of a reader that is ahead stands still")
    func aheadOfAbsence() throws {
        let fixture = filled(3, HubConfiguration(patience: 2))
        let reader = try fixture.reader(fixture.interest("*"), since: .after(fixture.position(4)))
        fixture.shard.tick()
        fixture.shard.submit(.busState(isAway: true))
        for _ in 0..<10 { fixture.shard.tick() }
        fixture.shard.submit(.busState(isAway: false))
        fixture.shard.tick()
        #expect(try reader.events().compactMap { $0["event"]?.stringValue } == ["stale", "live"])
        fixture.deliver([fixture.alert(), fixture.alert()])
        #expect(try reader.offsets() == [5])
    }

    @Test("A reader of a VM that has just begun waits until the VM has what the log held")
    func waiting() throws {
        let fixture = ShardFixture(isWarm: false)
        let reader = try fixture.connect()
        let leaving = try fixture.connect()
        #expect(reader.reader.isWaiting && reader.timesCaughtUp == 0)
        fixture.deliver([fixture.alert(), fixture.alert()])
        leaving.leave()
        fixture.shard.becomeWarm()
        fixture.shard.becomeWarm()
        #expect(!reader.reader.isWaiting && reader.timesCaughtUp == 1 && leaving.timesCaughtUp == 0)
        let interest = fixture.interest("*")
        fixture.shard.follow(reader.reader, interest, from: fixture.shard.opening(for: interest, since: .none))
        fixture.deliver([fixture.alert()])
        #expect(try reader.offsets() == [3])
        #expect(try !fixture.connect().reader.isWaiting)
    }

    /// A reader that wants all of so many alerts and reads nothing yet.
    private func stalledReader(of count: Int, _ text: String, in fixture: ShardFixture) throws -> TestReader {
        for _ in 0..<count { fixture.deliver([fixture.alert(text)]) }
        let reader = try fixture.connect()
        reader.stopReading()
        let interest = fixture.interest("a")
        fixture.shard.follow(reader.reader, interest, from: fixture.shard.opening(for: interest, since: .all))
        return reader
    }

    @Test(
        "A reader that takes its time is filled piece by piece where little may wait for it, too",
        arguments: [8_192, 65_536])
    func littleMayWait(_ maximumPending: Int) throws {
        let fixture = ShardFixture(HubConfiguration(maximumPending: maximumPending))
        let text = String(repeating: "x", count: 1_000)
        let reader = try stalledReader(of: 400, text, in: fixture)
        var offsets: [Int] = []
        while offsets.count < 400, reader.ended == nil {
            reader.readOn()
            offsets += try reader.offsets()
        }
        #expect(reader.ended == nil && offsets == Array(1...400))
    }

    @Test("Expired alerts are not replayed")
    func expired() throws {
        let fixture = ShardFixture()
        fixture.deliver([
            fixture.alert(expires: fixture.clock.now.seconds + 5),
            fixture.alert(expires: fixture.clock.now.seconds + 50),
        ])
        fixture.clock.advance(milliseconds: 6_000)
        #expect(try fixture.reader(fixture.interest("a"), since: .all).offsets() == [2])
    }

    @Test("A reader that takes its time is filled piece by piece while alerts arrive, and then goes live")
    func paced() throws {
        let fixture = ShardFixture(HubConfiguration(maximumPending: 1 << 20))
        let text = String(repeating: "x", count: 1_000)
        let reader = try stalledReader(of: 1_500, text, in: fixture)
        #expect(reader.reader.writer.pendingBytes < 400_000, "the whole backlog was handed over at once")
        for _ in 0..<50 { fixture.deliver([fixture.alert(text)]) }
        #expect(reader.reader.isCatchingUp && reader.timesCaughtUp == 0)
        var received: [Int] = []
        for _ in 0..<100 where reader.timesCaughtUp == 0 {
            reader.goOnReading()
            fixture.loop.run()
            received += try reader.offsets()
        }
        fixture.deliver([fixture.alert(text)])
        received += try reader.offsets()
        #expect(received == Array(1...1_551))
        #expect(reader.timesCaughtUp == 1 && reader.ended == nil)
    }

    @Test("A reader that is filled more slowly than the ring moves is ended, resumable")
    func outrun() throws {
        let fixture = ShardFixture(HubConfiguration(retention: Retention(count: 500, age: 0, bytes: 1 << 30)))
        let text = String(repeating: "x", count: 1_000)
        let reader = try stalledReader(of: 500, text, in: fixture)
        for _ in 0..<600 {
            fixture.clock.advance(milliseconds: 1)
            fixture.deliver([fixture.alert(text)])
        }
        reader.goOnReading()
        #expect(reader.ended == .slow)
        let received = try reader.offsets()
        #expect(received == Array(1...received.count))
    }

    @Test("Topics that are added are filled from their own cursor, before newer alerts of any topic")
    func backfill() throws {
        let fixture = filled(10)
        let reader = try fixture.reader(fixture.interest("a"))
        let added = fixture.interest("b")
        fixture.shard.refollow(
            reader.reader, fixture.interest("a", "b"), adding: added,
            from: fixture.shard.opening(for: added, since: .after(fixture.position(5))))
        fixture.deliver([fixture.alert(on: "a"), fixture.alert(on: "b")])
        #expect(try reader.offsets() == [6, 8, 10, 11, 12])
    }

    @Test("A poll ends once everything held is written")
    func poll() throws {
        let fixture = filled(4)
        let reader = try fixture.connect()
        let interest = fixture.interest("*")
        fixture.shard.follow(
            reader.reader, interest, from: fixture.shard.opening(for: interest, since: .all), isPolling: true)
        #expect(try reader.offsets() == [1, 2, 3, 4])
        #expect(reader.ended == .caughtUp)
    }

    @Test("A loss is told to everyone who follows something, and the ring begins anew")
    func loss() throws {
        let fixture = filled(5)
        let reader = try fixture.reader(fixture.interest("a"))
        let idle = try fixture.connect()
        fixture.shard.submit(.loss(Loss(cause: .epoch, resumesAfter: Position(epoch: 9, offset: 0))))
        let event = try reader.events().first
        #expect(event?["event"]?.stringValue == "reset" && event?["reason"]?.stringValue == "epoch")
        #expect(event?["id"]?.stringValue == Position(epoch: 9, offset: 0).id)
        #expect(try idle.events().isEmpty)
        let opening = fixture.shard.opening(for: fixture.interest("a"), since: .after(fixture.position(5)))
        #expect(opening.reset?.reason == .epoch)
    }

    /// Against a model: a reader has got exactly the alerts of the topics that it followed since its cursor.
    @Test("Seeded joins, resumes, stalls and leaves lose, double and reorder nothing", arguments: UInt64(0)..<40)
    func seeded(_ seed: UInt64) throws {
        var random = SeededGenerator(seed: seed)
        let fixture = ShardFixture()
        var readers: [(reader: TestReader, topics: Set<String>, from: Int, got: [Int])] = []
        for _ in 0..<150 {
            switch Int.random(in: 0..<10, using: &random) {
            case 0..<4:
                fixture.submit(
                    (0..<Int.random(in: 1...5, using: &random)).map { _ in
                        fixture.alert(on: ["a", "b", "c"].randomElement(using: &random)!)
                    })
            case 4..<6:
                let topics = Set(["a", "b", "c"].filter { _ in Bool.random(using: &random) })
                guard !topics.isEmpty else { continue }
                let from = Int.random(in: 0...fixture.published.count, using: &random)
                let interest = Interest(topics: .some(Set(topics.compactMap(Topic.init))))
                readers.append((try fixture.reader(interest, since: .after(fixture.position(from))), topics, from, []))
            case 6: readers.randomElement(using: &random)?.reader.stopReading()
            case 7: readers.randomElement(using: &random)?.reader.goOnReading()
            case 8 where !readers.isEmpty:
                let gone = readers.remove(at: Int.random(in: 0..<readers.count, using: &random))
                gone.reader.leave()
            default: fixture.loop.run()
            }
        }
        fixture.loop.run()
        for index in readers.indices {
            readers[index].reader.goOnReading()
            fixture.loop.run()
            let expected = fixture.published.filter {
                $0.position.offset > readers[index].from && readers[index].topics.contains($0.draft.topic.name)
            }.map { Int($0.position.offset) }
            #expect(try readers[index].reader.offsets() == expected, "seed \(seed), reader \(index)")
        }
    }
}
