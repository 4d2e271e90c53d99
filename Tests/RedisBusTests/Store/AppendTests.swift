import CrierTesting
import Foundation
import MessageBus
import Testing

@testable import RedisBus

@Suite(.serialized)
struct AppendTests {
    @Test("A key holds across batches and stores, for five minutes, and on its own topic")
    func keys() async throws {
        try await withRedis { server in
            try await withStore(server.url) { first in
                try await withStore(server.url) { second in
                    let receipts = try await first.append([record("a", key: "k"), record("b")], seen: .origin)
                    let again = try await second.append(
                        [record("c", key: "k"), record("d", key: "k", topic: "other"), record("e", key: "n")],
                        seen: .origin)
                    #expect(receipts.map(\.isDuplicate) == [false, false])
                    #expect(again.map(\.isDuplicate) == [true, false, false])
                    #expect(again[0].position == receipts[0].position)
                    #expect(receipts[1].position.isFollowed(by: again[1].position))
                    #expect(try await second.messages() == ["a", "b", "d", "e"])
                }
            }
            let lifetime = try await Int(server.command(["TTL", "{test}:key:tests:k"]))
            #expect((295...300).contains(lifetime ?? 0))
        }
    }

    @Test("What was healed already is not healed again, and its key holds")
    func healing() async throws {
        try await withRedis { server in
            try await withStore(server.url) { store in
                let lost = Position(epoch: 5, offset: 9)
                let first = try await store.append([record("a", key: "k", healedFrom: lost)], seen: .origin)
                let again = try await store.append(
                    [record("a", key: "k", healedFrom: lost), record("a", healedFrom: lost), record("a", key: "k")],
                    seen: .origin)
                #expect(!first[0].isDuplicate)
                #expect(again.allSatisfy { $0.isDuplicate && $0.position == first[0].position })
                let entries = try await store.entries()
                #expect(entries.count == 1)
                #expect(entries.first?.healedFrom == lost)
                #expect(entries.first?.key == "k")
                // The publisher tried again before anyone healed: its alert is there already.
                let published = try await store.append([record("b", key: "m")], seen: .origin)
                let other = Position(epoch: 5, offset: 10)
                let healed = try await store.append([record("b", key: "m", healedFrom: other)], seen: .origin)
                let third = try await store.append([record("b", healedFrom: other)], seen: .origin)
                #expect(healed == [Receipt(position: published[0].position, isDuplicate: true)])
                #expect(third == healed)
                let lifetime = try await Int(server.command(["TTL", "{test}:healed:5-9"]))
                #expect((295...300).contains(lifetime ?? 0))
            }
        }
    }

    @Test("Bodies and keys are kept byte by byte")
    func bytes() async throws {
        try await withRedis { server in
            try await withStore(server.url) { store in
                let sent = record("line\nbreak \0 “\u{1F47D}”", key: "key with : and \r\n and ü")
                _ = try await store.append([sent], seen: .origin)
                let entry = try #require(try await store.entries().first)
                #expect(entry.body == sent.draft.encoded)
                #expect(entry.key == sent.draft.key)
                #expect(try await store.append([sent], seen: .origin)[0].isDuplicate)
            }
        }
    }

    @Test("The log is trimmed, and says from where on it holds everything")
    func retention() async throws {
        try await withRedis { server in
            try await withStore(server.url, logCount: 300) { store in
                for start in stride(from: 0, to: 2000, by: 100) {
                    _ = try await store.append((start..<start + 100).map { record("\($0)") }, seen: .origin)
                }
                let bounds = try await store.bounds(beforeLast: 50)
                #expect(bounds.head.offset == 2000)
                #expect(bounds.start.offset == 1950)
                #expect((1500...1700).contains(bounds.floor.offset))
                let oldest = try #require(try await store.entries(after: bounds.floor).first)
                #expect(bounds.floor.isFollowed(by: oldest.position))
                #expect(try await store.bounds(beforeLast: 100_000).start == bounds.floor)
                #expect(try await store.bounds(beforeLast: 0).start == bounds.head)
            }
        }
    }

    @Test("Scripts that Redis has forgotten are sent again")
    func scriptFlush() async throws {
        try await withRedis { server in
            try await withStore(server.url) { store in
                let before = try await store.append("a")
                try await server.command(["SCRIPT", "FLUSH"])
                let after = try await store.append("b")
                #expect(before[0].isFollowed(by: after[0]))
            }
        }
    }

    @Test("A Redis without memory takes nothing, does nothing by halves, and says what is full")
    func outOfMemory() async throws {
        try await withRedis { server in
            try await withStore(server.url, logCount: 1_000_000) { store in
                _ = try await store.append([record("a", key: "known")], seen: .origin)
                try await server.command(["CONFIG", "SET", "maxmemory", "1"])
                let failure = await #expect(throws: BusError.self) {
                    try await store.append(
                        [record("known", key: "known"), record("b", key: "new"), record("c")], seen: .origin)
                }
                #expect(failure?.code == .unavailable)
                #expect(failure?.retryAfter != nil)
                #expect(failure?.message.contains("maxmemory") == true)
                #expect(try await server.command(["EXISTS", "{test}:key:tests:new"]) == "0")
                #expect(try await store.messages() == ["a"])
                let known = try await store.append([record("a", key: "known")], seen: .origin)
                #expect(known[0].isDuplicate)
                try await server.command(["CONFIG", "SET", "maxmemory", "0"])
                let after = try await store.append([record("b", key: "new")], seen: .origin)
                #expect(known[0].position.isFollowed(by: after[0].position))
            }
        }
    }

    @Test("Stores that append at once leave no hole")
    func concurrently() async throws {
        try await withRedis { server in
            let stores = try (0..<4).map { _ in try makeStore(server.url) }
            let positions = try await withThrowingTaskGroup(of: [Position].self) { group in
                for store in stores {
                    for number in 0..<25 { group.addTask { try await store.append("\(number)", "again") } }
                }
                return try await group.reduce(into: []) { $0 += $1 }
            }
            #expect(positions.map(\.offset).sorted() == Array(1...200))
            #expect(Set(positions.map(\.epoch)).count == 1)
            for store in stores { await store.close() }
        }
    }
}
