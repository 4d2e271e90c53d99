import CrierTesting
import Foundation
import MessageBus
import Testing

@testable import RedisBus

@Suite(.serialized)
struct SentinelTests {
    @Test("A fail-over is followed, into a new epoch, without another URL")
    func failover() async throws {
        try await withRedis { master in
            try await withRedis(replicaOf: master.port) { replica in
                let sentinels = try await RedisSentinels.start(count: 3, master: master)
                try await perform {
                    try await follow(sentinels, from: master, to: replica)
                } finally: {
                    try await sentinels.stop()
                }
            }
        }
    }

    private func follow(_ sentinels: RedisSentinels, from master: RedisServer, to replica: RedisServer) async throws {
        try await withStore(sentinels.url) { store in
            let first = try await store.append("a")[0]
            let feed = try await store.feed(of: vm("feed"))
            try await eventually("the replica's copy") {
                try await replica.command(["XLEN", "{test}:log"]) == "1"
            }
            try await sentinels.awaitReplica()
            try await master.kill()
            var next: [Position] = []
            try await eventually("the fail-over", within: .seconds(40)) {
                next = (try? await store.append([record("b", key: "b")], seen: first).map(\.position)) ?? []
                return !next.isEmpty
            }
            #expect(next[0].epoch > first.epoch)
            #expect(try await replica.command(["XLEN", "{test}:log"]) == "2")
            try await eventually("the feed's return") {
                guard case .alerts(let alerts)? = try? await feed.read(after: first, limit: 9, wait: .seconds(1))
                else { return false }
                return alerts.map(\.position) == next && alerts.first?.predecessor == first
            }
            try await feed.probe(within: .seconds(3))
            await feed.close()
        }
    }

    @Test("Sentinels that are away or know nothing of the master are named")
    func unknown() async throws {
        try await withRedis { master in
            let sentinels = try await RedisSentinels.start(count: 1, master: master)
            let away = try ServerProcess.freePort()
            let known = sentinels.ports[0]
            try await perform {
                // The one that is away is passed over.
                try await withStore("redis+sentinel://127.0.0.1:\(away),127.0.0.1:\(known)/mymaster/2") { store in
                    _ = try await store.append("a")
                    #expect(try await master.command(["-n", "2", "XLEN", "{test}:log"]) == "1")
                }
                try await withStore("redis+sentinel://127.0.0.1:\(away),127.0.0.1:\(known)/other") { store in
                    let failure = await #expect(throws: BusError.self) { try await store.open(seen: .origin) }
                    #expect(failure?.code == .unavailable)
                    #expect(failure?.message.contains("127.0.0.1:\(away)") == true)
                    #expect(failure?.message.contains("does not watch “other”") == true)
                }
                // A plain URL leads to no Sentinel.
                try await withStore("redis://127.0.0.1:\(known)") { store in
                    let failure = await #expect(throws: BusError.self) { try await store.open(seen: .origin) }
                    #expect(failure?.code == .backend)
                    #expect(failure?.message.contains("redis+sentinel://") == true)
                }
            } finally: {
                try await sentinels.stop()
            }
        }
    }
}
