import CrierTesting
import Foundation
import MessageBus
import Testing

@testable import RedisBus

/// The store beside the bus, on a real Redis.
@Suite(.serialized)
struct SharedStoreTests {
    private let sessions = StoreCollection("sessions")!

    private func name(_ key: String) throws -> StoreName { try #require(StoreName(sessions, key)) }

    /// Runs something with a bus's store, whose bus is closed whatever comes of it.
    private func withSharedStore(
        _ url: String, namespace: String = "test", _ body: (RedisSharedStore) async throws -> Void
    ) async throws {
        let (bus, store) = try RedisBus.makeWithStore(url: url, namespace: namespace, logCount: 100, logger: quiet)
        try await perform {
            try await body(store)
        } finally: {
            await bus.close()
        }
    }

    private func awaitExpiry(of key: String, in store: RedisSharedStore) async throws {
        try await eventually("the end of an entry", within: .seconds(5)) {
            try await store.value(of: try name(key)) == nil
        }
    }

    @Test("The store on Redis keeps the contract", arguments: SharedStoreConformance.all)
    func conforms(_ check: SharedStoreConformance) async throws {
        try await withRedis { server in
            try await withSharedStore(server.url) { store in
                try await withSharedStore(server.url) { other in
                    try await withSharedStore(server.url, namespace: "stranger") { stranger in
                        try await check.run(on: StoreUnderTest(store: store, other: other, stranger: stranger))
                    }
                }
            }
        }
    }

    @Test("Keys whose values have expired leave the lists as others are written, and what is kept expires by itself")
    func forgets() async throws {
        try await withRedis { server in
            try await withSharedStore(server.url) { store in
                for number in 0..<250 {
                    try await store.set(try name("short\(number)"), [1], lasting: .milliseconds(1))
                }
                try await awaitExpiry(of: "short249", in: store)
                for number in 0..<3 { try await store.set(try name("long\(number)"), [1], lasting: .seconds(60)) }
                for list in ["store-keys", "store-expiries"] {
                    #expect(try await server.command(["ZCARD", "{test}:\(list):sessions"]) == "3")
                }
                let left = try await server.command(["PTTL", "{test}:store:sessions:long0"])
                #expect((50_000...60_000).contains(try #require(Int(left))))
                for number in 0..<3 { #expect(try await store.remove(try name("long\(number)"))) }
                #expect(try await server.command(["KEYS", "*"]).isEmpty)
            }
        }
    }

    @Test("A user needs no more rights than the documentation says")
    func rights() async throws {
        let commands = [
            "auth", "select", "role", "info", "client|setname", "script|load", "eval", "evalsha", "time", "get", "set",
            "exists", "del", "zadd", "zrangebyscore", "zrem", "pttl", "pexpire", "zrangebylex",
        ]
        try await withRedis { server in
            let rules = ["on", ">x", "~{test}:*", "-@all"] + commands.map { "+" + $0 }
            try await server.command(["ACL", "SETUSER", "crier"] + rules)
            try await withSharedStore("redis://crier:x@127.0.0.1:\(server.port)") { store in
                try await store.set(try name("short"), [1], lasting: .milliseconds(1))
                try await awaitExpiry(of: "short", in: store)
                try await store.set(try name("a"), [1], lasting: .seconds(9))
                #expect(try await store.extend(try name("a"), lasting: .seconds(90)))
                #expect(try await store.value(of: try name("a")) == [1])
                #expect(try await store.entries(of: sessions, limit: 9).map(\.name.key) == ["a"])
                #expect(try await store.remove(try name("a")))
            }
            #expect(try await server.command(["ACL", "LOG"]).isEmpty)
        }
    }

    @Test("Scripts that the server has forgotten are given to it again")
    func forgottenScripts() async throws {
        try await withRedis { server in
            try await withSharedStore(server.url) { store in
                try await store.set(try name("a"), [1], lasting: .seconds(60))
                try await server.command(["SCRIPT", "FLUSH"])
                #expect(try await store.extend(try name("a"), lasting: .seconds(90)))
                #expect(try await store.entries(of: sessions, limit: 9).count == 1)
                #expect(try await store.remove(try name("a")))
            }
        }
    }

    @Test("Where Redis has used up its memory, nothing is taken, what is there stays, and removing makes room")
    func memory() async throws {
        try await withRedis(maxMemory: "3mb") { server in
            try await withSharedStore(server.url) { store in
                let value = Array(repeating: UInt8(1), count: StoreLimits.value)
                var count = 0
                var failure: BusError?
                while failure == nil, count < 200 {
                    do throws(BusError) {
                        try await store.set(StoreName(sessions, "n\(count)")!, value, lasting: .seconds(600))
                        count += 1
                    } catch { failure = error }
                }
                #expect(failure?.code == .unavailable && failure?.retryAfter != nil, "\(String(describing: failure))")
                #expect(count > 0 && count < 200)
                #expect(try await store.value(of: try name("n0")) == value)
                #expect(try await store.entries(of: sessions, limit: 200).count == count)
                for number in 0..<min(count, 10) { #expect(try await store.remove(try name("n\(number)"))) }
                try await store.set(try name("again"), value, lasting: .seconds(600))
            }
        }
    }

    @Test("While Redis is away callers are told at once; when it is back the store is, with what Redis kept")
    func away() async throws {
        try await withRedis(appendOnly: .always) { server in
            try await withSharedStore(server.url) { store in
                try await store.set(try name("kept"), [1], lasting: .seconds(600))
                try await store.set(try name("short"), [1], lasting: .milliseconds(200))
                try await server.kill()
                _ = await #expect(throws: BusError.self) { try await store.value(of: try name("kept")) }
                let start = ContinuousClock.now
                for _ in 0..<50 {
                    for failure in await store.failures() {
                        #expect(failure?.code == .unavailable && failure?.retryAfter != nil)
                    }
                }
                #expect(ContinuousClock.now - start < .seconds(2))
                try await server.restart()
                try await eventually("the store's return", within: .seconds(8)) {
                    (try? await store.value(of: try name("kept"))) == [1]
                }
                #expect(try await store.extend(try name("kept"), lasting: .seconds(900)))
                try await awaitExpiry(of: "short", in: store)
                #expect(try await store.entries(of: sessions, limit: 9).map(\.name.key) == ["kept"])
                try await store.set(try name("new"), [2], lasting: .seconds(60))
            }
        }
    }

    @Test("A link that is half open is found in time, and left")
    func halfOpen() async throws {
        try await withRedis { server in
            let proxy = try await FaultProxy.start(target: server.port)
            try await withSharedStore("redis://127.0.0.1:\(proxy.port)") { store in
                try await store.set(try name("a"), [1], lasting: .seconds(600))
                await proxy.set(.drop)
                let start = ContinuousClock.now
                let failure = await store.failure { () throws(BusError) in
                    try await store.set(StoreName(sessions, "a")!, [1], lasting: .seconds(600))
                }
                #expect(failure?.code == .unavailable)
                #expect(ContinuousClock.now - start < .milliseconds(4_200))
                await proxy.set(.none)
                try await eventually("the store's return", within: .seconds(8)) {
                    (try? await store.value(of: try name("a"))) == [1]
                }
            }
            await proxy.stop()
        }
    }

    @Test("A master that became a replica is left, and found again when it is the master again")
    func demotion() async throws {
        try await withRedis { server in
            try await withSharedStore(server.url) { store in
                try await store.set(try name("a"), [1], lasting: .seconds(600))
                try await server.command(["REPLICAOF", "127.0.0.1", "1"])
                let failure = await store.failure { () throws(BusError) in
                    try await store.set(StoreName(sessions, "b")!, [1], lasting: .seconds(600))
                }
                #expect(failure?.code == .unavailable, "\(String(describing: failure))")
                try await server.command(["REPLICAOF", "NO", "ONE"])
                try await eventually("the store's return", within: .seconds(8)) {
                    (try? await store.extend(try name("a"), lasting: .seconds(900))) == true
                }
            }
        }
    }

    @Test("What others keep under a value's name is said, and what they put into the lists is left out")
    func foreign() async throws {
        try await withRedis { server in
            try await withSharedStore(server.url) { store in
                try await store.set(try name("a"), [1], lasting: .seconds(600))
                try await server.command(["ZADD", "{test}:store-keys:sessions", "0", "no name"])
                try await server.command(["SET", "{test}:store:sessions:no name", "x"])
                try await server.command(["LPUSH", "{test}:store:sessions:list", "x"])
                #expect(try await store.entries(of: sessions, limit: 9).map(\.name.key) == ["a"])
                let failure = await store.failure { () throws(BusError) in
                    _ = try await store.value(of: StoreName(sessions, "list")!)
                }
                #expect(failure?.code == .backend)
            }
        }
    }
}
