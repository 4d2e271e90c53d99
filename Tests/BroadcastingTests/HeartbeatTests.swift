import MessageBus
import NIOCore
import NIOEmbedded
import StrictJSON
import Testing
import WebSocketTransport

@testable import Broadcasting

struct HeartbeatTests {
    @Test("A WebSocket that answers nothing is ended within 40 seconds, one that answers stays")
    func silent() throws {
        let fixture = ShardFixture()
        let dead = try fixture.reader(fixture.interest("a"), form: .webSocket)
        let alive = try fixture.reader(fixture.interest("a"), form: .webSocket)
        var seconds = 0
        while dead.ended == nil && seconds < 60 {
            fixture.shard.tick()
            seconds += 1
            if try !alive.text().isEmpty { alive.reader.heard() }
        }
        #expect(dead.ended == .silent)
        #expect(seconds <= 40)
        for _ in 0..<60 {
            fixture.shard.tick()
            if try !alive.text().isEmpty { alive.reader.heard() }
        }
        #expect(alive.ended == nil)
    }

    @Test("Every reader gets a keepalive in each interval, with its cursor")
    func keepalive() throws {
        let fixture = ShardFixture()
        fixture.deliver([fixture.alert(on: "b")])
        let readers = try (0..<40).map { _ in try fixture.reader(fixture.interest("a")) }
        for _ in 0..<15 { fixture.shard.tick() }
        for reader in readers {
            let events = try reader.events()
            #expect(events.count == 1)
            #expect(events.first?["event"]?.stringValue == "keepalive")
            #expect(events.first?["id"]?.stringValue == fixture.position(1).id)
        }
    }

    @Test("A keepalive waits for the batch in hand, so that its cursor passes nothing over")
    func waits() throws {
        let fixture = ShardFixture(HubConfiguration(heartbeat: 1))
        let readers = try (0..<1_400).map { _ in try fixture.reader(fixture.interest("a")) }
        fixture.submit([fixture.alert()])
        fixture.shard.tick()
        fixture.loop.run()
        for reader in readers {
            #expect(try reader.events().map { $0["event"]?.stringValue } == ["message", "keepalive"])
        }
    }

    @Test("Readers hear when the bus is away and when it is back, once each")
    func busState() throws {
        let fixture = ShardFixture()
        let reader = try fixture.reader(fixture.interest("a"))
        for isAway in [true, true, false, false] { fixture.shard.submit(.busState(isAway: isAway)) }
        #expect(try reader.events().map { $0["event"]?.stringValue } == ["stale", "live"])
    }

    @Test("A reader that comes while the bus is away is told, unless it only polls")
    func comesWhileAway() throws {
        let fixture = ShardFixture()
        fixture.shard.submit(.busState(isAway: true))
        let reader = try fixture.reader(fixture.interest("a"))
        let poll = try fixture.connect()
        let everything = fixture.interest("*")
        fixture.shard.follow(
            poll.reader, everything, from: fixture.shard.opening(for: everything, since: .all), isPolling: true)
        fixture.shard.submit(.busState(isAway: false))
        #expect(try reader.events().map { $0["event"]?.stringValue } == ["stale", "live"])
        #expect(try poll.events().first?["event"]?.stringValue != "stale")
    }
}

struct DrainTests {
    @Test("Readers leave spread evenly over the window, each told before, and the shard says when it is empty")
    func spread() throws {
        let fixture = ShardFixture()
        let readers = try (0..<100).map { _ in try fixture.reader(fixture.interest("a")) }
        let empty = Flag()
        fixture.shard.beginDrain(seconds: 2) { empty.raise() }
        #expect(readers.count { $0.ended != nil } == 5)
        fixture.loop.advanceTime(by: .milliseconds(950))
        #expect((45...55).contains(readers.count { $0.ended != nil }))
        fixture.loop.advanceTime(by: .seconds(1))
        for reader in readers {
            #expect(reader.ended == .draining)
            #expect(try reader.events().last?["event"]?.stringValue == "drain")
        }
        #expect(!empty.isRaised)
        for reader in readers { reader.leave() }
        #expect(empty.isRaised)
    }

    @Test("A window of nothing lets everyone go at once")
    func immediate() throws {
        let fixture = ShardFixture()
        let readers = try (0..<10).map { _ in try fixture.reader(fixture.interest("a")) }
        fixture.shard.beginDrain(seconds: 0) {}
        fixture.loop.advanceTime(by: .seconds(1))
        #expect(readers.allSatisfy { $0.ended == .draining })
    }
}
