import CrierTesting
import MessageBus
import Testing

@testable import RedisBus

@Suite(.serialized)
struct FeedTests {
    /// A server that lets reads wait, and one that does not.
    enum Reads: String, CaseIterable, Sendable {
        case waiting, polling

        func url(_ server: RedisServer) async throws -> String {
            if self == .waiting { return server.url }
            try await server.command(["ACL", "SETUSER", "hosted", "on", ">x", "~*", "&*", "+@all", "-@blocking"])
            return "redis://hosted:x@127.0.0.1:\(server.port)"
        }
    }

    @Test(
        "A read hands over what there is, as much as is asked for, and waits for what comes", arguments: Reads.allCases)
    func reading(_ reads: Reads) async throws {
        try await withFeed(reads) { _, store, feed in
            let positions = try await store.append("a", "b", "c")
            #expect(try await alerts(feed.read(after: .origin, limit: 2, wait: .zero)) == Array(positions[..<2]))
            #expect(try await alerts(feed.read(after: positions[1], limit: 9, wait: .seconds(3))) == [positions[2]])
            #expect(try await alerts(feed.read(after: positions[2], limit: 9, wait: .zero)).isEmpty)
            let start = ContinuousClock.now
            #expect(try await alerts(feed.read(after: positions[2], limit: 9, wait: .milliseconds(300))).isEmpty)
            #expect(ContinuousClock.now - start >= .milliseconds(250))
            async let waiting = feed.read(after: positions[2], limit: 9, wait: .seconds(10))
            let next = try await store.append("d")
            #expect(try await alerts(waiting) == next)
            #expect(ContinuousClock.now - start < .seconds(3))
        }
    }

    @Test("A read that is cancelled ends at once, and the feed goes on", arguments: Reads.allCases)
    func cancelling(_ reads: Reads) async throws {
        try await withFeed(reads) { _, store, feed in
            let first = try await store.append("a")[0]
            for _ in 0..<5 {
                let waiting = Task { try await feed.read(after: first, limit: 1, wait: .seconds(30)) }
                try await ContinuousClock().sleep(for: .milliseconds(Int64.random(in: 0...30)))
                waiting.cancel()
                let reading = try await within(.seconds(3)) { try await waiting.value }
                guard case .nothing = reading else { throw ServerProcess.Failure("\(reading)") }
            }
            let next = try await store.append("b")
            #expect(try await alerts(feed.read(after: first, limit: 9, wait: .seconds(3))) == next)
        }
    }

    @Test(
        "A read that waits ends when another boot takes the name, and so does every later one",
        arguments: Reads.allCases)
    func superseding(_ reads: Reads) async throws {
        try await withFeed(reads) { _, store, feed in
            let load = VMLoad(sockets: 0, position: .origin)
            _ = try await store.join(vm("feed", boot: "before"), load: load)
            _ = try await store.join(vm("feed"), load: load)
            let waiting = Task { try await feed.read(after: .origin, limit: 1, wait: .seconds(30)) }
            try await ContinuousClock().sleep(for: .milliseconds(50))
            _ = try await store.join(vm("feed", boot: "after"), load: load)
            let reading = try await within(.seconds(3)) { try await waiting.value }
            guard case .superseded = reading else { throw ServerProcess.Failure("\(reading)") }
            guard case .superseded = try await feed.read(after: .origin, limit: 1, wait: .seconds(30)) else {
                throw ServerProcess.Failure("a superseded feed reads on")
            }
        }
    }

    @Test("A boot that took the name while the channel was not heard is found when it is heard again")
    func supersededUnheard() async throws {
        try await withFeed(.waiting) { server, store, feed in
            let load = VMLoad(sockets: 0, position: .origin)
            _ = try await store.join(vm("feed"), load: load)
            try await feed.probe(within: .seconds(3))
            try await server.command(["CLIENT", "KILL", "TYPE", "pubsub"])
            try await server.command(["HSET", "{test}:vm:ID_feed", "boot", "after"])
            try await eventually("the supersession", within: .seconds(5)) {
                if case .superseded = try? await feed.read(after: .origin, limit: 1, wait: .zero) {
                    true
                } else {
                    false
                }
            }
        }
    }

    @Test("A closed feed ends its read and every later one", arguments: Reads.allCases)
    func closing(_ reads: Reads) async throws {
        try await withFeed(reads) { server, store, feed in
            let waiting = Task { try await feed.read(after: .origin, limit: 1, wait: .seconds(30)) }
            try await ContinuousClock().sleep(for: .milliseconds(50))
            await feed.close()
            await feed.close()
            let failure = await #expect(throws: BusError.self) {
                try await within(.seconds(3)) { try await waiting.value }
            }
            #expect(failure?.code == .unavailable)
            await #expect(throws: BusError.self) { try await feed.read(after: .origin, limit: 1, wait: .zero) }
            await #expect(throws: BusError.self) { try await feed.probe(within: .seconds(1)) }
            await store.close()
            // The one that asks is a connection as well.
            try await eventually("the end of all connections") {
                try await server.command(["CLIENT", "LIST"]).split(separator: "\n").count == 1
            }
        }
    }

    @Test("A probe is heard", arguments: Reads.allCases)
    func probing(_ reads: Reads) async throws {
        try await withFeed(reads) { _, _, feed in
            for _ in 0..<5 { try await feed.probe(within: .seconds(3)) }
        }
    }

    @Test("A feed that hears nothing, though its links are up, does not pass a probe, and hears again later")
    func deafness() async throws {
        try await withRedis { server in
            let proxy = try await FaultProxy.start(target: server.port)
            try await withStore("redis://127.0.0.1:\(proxy.port)") { store in
                let feed = try await store.feed(of: vm("feed"))
                try await feed.probe(within: .seconds(2))
                await proxy.set(.drop, .toClient)
                let start = ContinuousClock.now
                await #expect(throws: BusError.self) { try await feed.probe(within: .seconds(1)) }
                #expect(ContinuousClock.now - start < .seconds(2))
                await proxy.set(.none)
                try await eventually("a probe that passes") {
                    (try? await feed.probe(within: .seconds(2))) != nil
                }
                await feed.close()
            }
            await proxy.stop()
        }
    }

    @Test("A feed whose connections were ended reads on with new ones", arguments: Reads.allCases)
    func clientKill(_ reads: Reads) async throws {
        try await withFeed(reads) { server, store, feed in
            let first = try await store.append("a")[0]
            try await server.command(["CLIENT", "KILL", "TYPE", "normal"])
            try await server.command(["CLIENT", "KILL", "TYPE", "pubsub"])
            var next: [Position] = []
            try await eventually("the store's return") {
                next = (try? await store.append("b")) ?? []
                return !next.isEmpty
            }
            var read: [Position] = []
            try await eventually("the feed's return") {
                read = (try? await alerts(feed.read(after: first, limit: 9, wait: .seconds(1)))) ?? []
                return !read.isEmpty
            }
            // An append that was cut may have been carried out, and then again.
            #expect(first.isFollowed(by: read[0]))
            try await feed.probe(within: .seconds(3))
        }
    }

    private func withFeed(
        _ reads: Reads, _ body: (RedisServer, RedisLogStore, RedisLogFeed) async throws -> Void
    ) async throws {
        try await withRedis { server in
            try await withStore(try await reads.url(server)) { store in
                let feed = try await store.feed(of: vm("feed"))
                try await perform {
                    try await body(server, store, feed)
                } finally: {
                    await feed.close()
                }
            }
        }
    }

    private func alerts(_ reading: LogReading) -> [Position] {
        if case .alerts(let alerts) = reading { alerts.map(\.position) } else { [] }
    }
}
