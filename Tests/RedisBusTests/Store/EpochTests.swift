import CrierTesting
import Foundation
import MessageBus
import Testing

@testable import RedisBus

/// Wherever Redis may have lost something, the log goes on in a new epoch.
@Suite(.serialized)
struct EpochTests {
    @Test("An epoch lasts while its run of Redis does, for every store")
    func lasts() async throws {
        try await withRedis { server in
            try await withStore(server.url) { first in
                let opened = try await first.open(seen: .origin)
                #expect(opened.head.offset == 0)
                #expect(opened.predecessor == .origin)
                let positions = try await first.append("a", "b")
                #expect(positions.map(\.offset) == [1, 2])
                #expect(positions[0].epoch == opened.head.epoch)
                try await withStore(server.url) { second in
                    #expect(
                        try await second.open(seen: positions[1]) == LogState(head: positions[1], predecessor: .origin))
                    let next = try await second.append("c")[0]
                    #expect(positions[1].isFollowed(by: next))
                }
            }
        }
    }

    @Test("A restart begins an epoch after all that was kept")
    func restart() async throws {
        try await withRedis(appendOnly: .always) { server in
            try await withStore(server.url) { store in
                let before = try await store.append("a", "b")
                try await server.killAndRestart()
                let state = try await opened(store, seen: before[1])
                #expect(state.head.epoch > before[1].epoch)
                #expect(state.predecessor == before[1])
                let after = try await store.append("c")
                let entries = try await store.entries()
                #expect(entries.map(\.position) == before + after)
                #expect(entries.map(\.predecessor) == [.origin, nil, before[1]])
                // An epoch without alerts leaves its predecessor to the next.
                try await server.killAndRestart()
                _ = try await opened(store, seen: after[0])
                try await server.killAndRestart()
                #expect(try await opened(store, seen: after[0]).predecessor == after[0])
            }
        }
    }

    @Test("A flushed Redis begins an epoch after the one that the caller has seen")
    func flush() async throws {
        try await withRedis { server in
            try await withStore(server.url) { store in
                let before = try await store.append("a", "b")
                try await server.command(["FLUSHALL"])
                #expect(try await store.bounds(beforeLast: 1).head == .origin)
                let after = try await store.append([record("c")], seen: before[1])[0].position
                #expect(after.epoch > before[1].epoch)
                #expect(after.offset == 1)
                #expect(try await store.entries().first?.predecessor == .origin)
            }
        }
    }

    @Test("A Redis that is flushed again and again never uses a position twice, whatever the caller has seen")
    func flushes() async throws {
        try await withRedis { server in
            try await withStore(server.url) { store in
                var epochs: Set<UInt64> = []
                for _ in 0..<8 {
                    epochs.insert(try await store.append("a")[0].epoch)
                    try await server.command(["FLUSHALL"])
                }
                #expect(epochs.count == 8)
            }
        }
    }

    @Test("A caller that has seen more than there is begins an epoch after it")
    func behind() async throws {
        try await withRedis { server in
            try await withStore(server.url) { store in
                let held = try await store.append("a", "b")[1]
                let sameEpoch = Position(epoch: held.epoch, offset: held.offset + 3)
                let state = try await store.open(seen: sameEpoch)
                #expect(state.head.epoch > held.epoch)
                #expect(state.predecessor == held)
                let later = Position(epoch: state.head.epoch + 1_000_000, offset: 1)
                let next = try await store.append([record("c")], seen: later)[0].position
                #expect(next.epoch > later.epoch)
                #expect(next.offset == 1)
            }
        }
    }

    @Test("A promoted replica that misses a tail begins an epoch after what it has")
    func promotion() async throws {
        try await withRedis { master in
            try await withRedis(replicaOf: master.port) { replica in
                try await withStore(master.url) { store in
                    try await eventually("the replica's link") {
                        try await replica.command(["INFO", "replication"]).contains("master_link_status:up")
                    }
                    let kept = try await store.append("a", "b")[1]
                    try await eventually("the replica's copy") {
                        try await replica.command(["XLEN", "{test}:log"]) == "2"
                    }
                    // From here on the replica hears nothing.
                    replica.process.send(SIGSTOP)
                    let lost = try await store.append("c", "d", "e")[2]
                    #expect(lost.epoch == kept.epoch)
                    try await master.kill()
                    replica.process.send(SIGCONT)
                    try await replica.command(["REPLICAOF", "NO", "ONE"])
                    try await withStore(replica.url) { store in
                        let state = try await store.open(seen: lost)
                        #expect(state.head.epoch > lost.epoch)
                        // A killed master's socket may still have carried part of the tail.
                        #expect(state.predecessor >= kept && state.predecessor <= lost)
                        #expect(state.predecessor.epoch == kept.epoch)
                        #expect(try await store.append("f")[0].epoch == state.head.epoch)
                    }
                }
            }
        }
    }

    @Test(
        "A log that lost entries by another's hand goes on in a new epoch", arguments: ["DEL", "XTRIM", "XDEL", "XADD"])
    func tampering(_ verb: String) async throws {
        try await withRedis { server in
            try await withStore(server.url) { store in
                let positions = try await store.append("a", "b", "c")
                let log = "{test}:log"
                switch verb {
                case "DEL": try await server.command(["DEL", log])
                case "XTRIM": try await server.command(["XTRIM", log, "MAXLEN", "0"])
                case "XDEL": try await server.command(["XDEL", log, positions[2].entryID])
                default: try await server.command(["XADD", log, "\(positions[2].epoch)-9", "b", "x"])
                }
                let next = try await store.append("d")[0]
                #expect(next.epoch > positions[2].epoch)
                #expect(next.offset == 1)
                let predecessor = try await store.entries().last?.predecessor
                let expected: Position =
                    switch verb {
                    case "XDEL": positions[1]
                    case "XADD": Position(epoch: positions[2].epoch, offset: 9)
                    default: .origin
                    }
                #expect(predecessor == expected)
            }
        }
    }

    @Test("An id that no position can have stops the log, and says what to do")
    func foreignIDs() async throws {
        try await withRedis { server in
            try await withStore(server.url) { store in
                _ = try await store.append("a")
                try await server.command(["XADD", "{test}:log", "*", "b", "x"])
                let failure = await #expect(throws: BusError.self) { try await store.append("b") }
                #expect(failure?.code == .backend)
                #expect(failure?.message.contains("delete {test}:log") == true)
            }
        }
    }

    @Test("Used-up offsets are followed by a new epoch")
    func usedUp() async throws {
        try await withRedis { server in
            try await withStore(server.url) { store in
                let epoch = try await store.append("a")[0].epoch
                let last = Position.maximumComponent
                try await server.command(["XADD", "{test}:log", "\(epoch)-\(last - 1)", "b", "x"])
                try await server.command(["HSET", "{test}:meta", "sequence", "\(last - 1)"])
                #expect(try await store.append("b")[0] == Position(epoch: epoch, offset: last))
                let next = try await store.append("c", "d")
                #expect(next[0].epoch > epoch)
                #expect(next.map(\.offset) == [1, 2])
                #expect(try await store.bounds(beforeLast: 3).start == Position(epoch: epoch, offset: last - 1))
            }
        }
    }

    /// Connecting may be left alone for a while after the server was away.
    private func opened(_ store: RedisLogStore, seen: Position) async throws -> LogState {
        var state: LogState?
        try await eventually("the store's return") {
            state = try? await store.open(seen: seen)
            return state != nil
        }
        return try #require(state)
    }
}
