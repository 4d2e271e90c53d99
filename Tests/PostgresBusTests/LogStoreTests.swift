import CrierTesting
import MessageBus
import Testing

@testable import PostgresBus

extension PostgresTests {
    /// What the store does to the log.
    struct LogStoreTests {
        @Test("Concurrent publishers and transactions that are rolled back leave no hole")
        func leavesNoHole() async throws {
            let server = try server
            let namespace = namespace()
            try await withStore(server.url, namespace: namespace) { first in
                _ = try await first.open(seen: .origin)
                try await withThrowingTaskGroup(of: Void.self) { group in
                    for publisher in 0..<6 {
                        group.addTask {
                            try await withStore(server.url, namespace: namespace) { store in
                                for batch in 0..<20 {
                                    let records = try (0...(batch % 5)).map {
                                        try record("\(publisher).\(batch).\($0)")
                                    }
                                    let receipts = try await store.append(records, seen: .origin)
                                    for (left, right) in zip(receipts, receipts.dropFirst()) {
                                        #expect(left.position.isFollowed(by: right.position))
                                    }
                                }
                            }
                        }
                    }
                    group.addTask {
                        for _ in 0..<10 {
                            try await server.query(
                                """
                                BEGIN; SELECT count(*) FROM \(namespace).publish(
                                  ARRAY['{}'::bytea], ARRAY['t'], ARRAY['k'::bytea], ARRAY[NULL::bigint], ARRAY[NULL::bigint], 0, 0, 9);
                                ROLLBACK
                                """, as: "crier")
                        }
                    }
                    try await group.waitForAll()
                }
                let positions = try await positions(in: namespace, on: server)
                #expect(positions.count == 6 * 60)
                #expect(positions.map(\.offset) == Array(1...360))
                #expect(Set(positions.map(\.epoch)).count == 1)
            }
        }

        @Test("A caller that knows of more than the log has begins a new epoch after it")
        func beginsEpochAfterSeen() async throws {
            try await withStore(try server.url) { store in
                let first = try await store.append(try records(0..<3), seen: .origin)[2].position
                let again = try await store.open(seen: first)
                #expect(again.head == first)
                let ahead = Position(epoch: first.epoch + 1_000_000, offset: 7)
                let receipts = try await store.append([try record("after")], seen: ahead)
                #expect(receipts[0].position == Position(epoch: ahead.epoch + 1, offset: 1))
                let state = try await store.open(seen: ahead)
                #expect(state == LogState(head: receipts[0].position, predecessor: first))
                // An epoch without an alert is nobody's predecessor.
                let further = Position(epoch: ahead.epoch + 5, offset: 1)
                let empty = try await store.open(seen: further)
                #expect(empty.head == Position(epoch: further.epoch + 1, offset: 0))
                let last = try await store.open(seen: Position(epoch: further.epoch + 9, offset: 1))
                #expect(last.predecessor == receipts[0].position)
            }
        }

        @Test("A repeated key names the first position, for five minutes, on its topic, whatever its bytes and length")
        func forgetsNoKey() async throws {
            let server = try server
            let namespace = namespace()
            try await withStore(server.url, namespace: namespace) { store in
                let keys = [
                    "plain", "it's \"quoted\" \\ and $1; DROP", "Ünï\u{1F47D}", "a\u{0}b",
                    String(repeating: "k", count: 20_000), "",
                ]
                let first = try await store.append(try keys.map { try record("first", key: $0) }, seen: .origin)
                #expect(first.allSatisfy { !$0.isDuplicate })
                let again = try await store.append(try keys.map { try record("again", key: $0) }, seen: .origin)
                #expect(again == first.map { Receipt(position: $0.position, isDuplicate: true) })
                let other = try await store.append([try record("x", topic: "other", key: "plain")], seen: .origin)
                #expect(!other[0].isDuplicate)
                let age = { (age: String) in
                    _ = try await server.query(
                        "UPDATE \(namespace).key SET time = clock_timestamp() - interval '\(age)'")
                }
                try await age("298 seconds")
                let within = try await store.append([try record("y", key: "plain")], seen: .origin)[0]
                #expect(within.isDuplicate)
                try await age("302 seconds")
                let late = try await store.append([try record("z", key: "plain")], seen: .origin)[0]
                #expect(!late.isDuplicate && late.position > other[0].position)
                let repeated = try await store.append([try record("z", key: "plain")], seen: .origin)[0]
                #expect(repeated == Receipt(position: late.position, isDuplicate: true))
                try await age("302 seconds")
                _ = try await store.reap(lease: .seconds(15))
                #expect(try await server.query("SELECT count(*) FROM \(namespace).key") == "0")
            }
        }

        @Test("A batch that repeats itself is stored once")
        func repeatsInBatch() async throws {
            try await withStore(try server.url) { store in
                let lost = Position(epoch: 3, offset: 4)
                let receipts = try await store.append(
                    [
                        try record("a", key: "k"), try record("b"), try record("a", key: "k"),
                        try record("c", healedFrom: lost), try record("c", key: "k2", healedFrom: lost),
                        try record("d", key: "k2"),
                    ], seen: .origin)
                #expect(receipts.map(\.position.offset) == [1, 2, 1, 3, 3, 3])
                #expect(receipts.map(\.isDuplicate) == [false, false, true, false, true, true])
            }
        }

        @Test("What was lost is healed once, and says where it stood")
        func healsOnce() async throws {
            try await withStore(try server.url) { store in
                let lost = Position(epoch: 12, offset: 34)
                let first = try await store.append([try record("a", key: "k", healedFrom: lost)], seen: .origin)[0]
                let again = try await store.append([try record("a", healedFrom: lost), try record("b")], seen: .origin)
                #expect(again[0] == Receipt(position: first.position, isDuplicate: true))
                #expect(again[1].position == first.position.successor)
                let feed = try await store.feed(of: try vm("healing"))
                let reading = try await feed.read(
                    after: Position(epoch: first.position.epoch, offset: 0), limit: 10, wait: .seconds(1))
                guard case .alerts(let alerts) = reading else {
                    Issue.record("\(reading)")
                    return
                }
                #expect(alerts.map(\.healedFrom) == [lost, nil])
                #expect(alerts.map(\.predecessor) == [.origin, nil])
                #expect(alerts.map(\.key) == ["k", nil])
                await feed.close()
            }
        }

        @Test("An alert of 64 KiB comes back byte by byte")
        func keepsLongAlerts() async throws {
            try await withStore(try server.url) { store in
                let long = try record(String(repeating: "ä'\"\\\u{7f}", count: 11_000))
                let receipts = try await store.append(Array(repeating: long, count: 20), seen: .origin)
                let feed = try await store.feed(of: try vm("long"))
                let start = Position(epoch: receipts[0].position.epoch, offset: 0)
                guard case .alerts(let alerts) = try await feed.read(after: start, limit: 100, wait: .seconds(1)) else {
                    Issue.record("no alerts")
                    return
                }
                #expect(alerts.count == 20)
                #expect(alerts.allSatisfy { $0.body == long.draft.encoded })
                await feed.close()
            }
        }

        @Test("The log holds as many alerts as it is to, across epochs, and its floor is before the first")
        func trims() async throws {
            let server = try server
            let namespace = namespace()
            try await withStore(server.url, namespace: namespace, retained: 80) { store in
                var seen = Position.origin
                for round in 0..<6 {
                    for _ in 0..<5 {
                        seen = try await store.append(try records(0..<7), seen: seen)[6].position
                    }
                    let bounds = try await store.bounds(beforeLast: 20)
                    let positions = try await positions(in: namespace, on: server)
                    #expect(positions.count <= 90 && positions.count >= min(80, 35 * (round + 1)))
                    #expect(bounds.head == seen && positions.last == seen)
                    #expect(bounds.start == positions[positions.count - 21])
                    let floor = bounds.floor
                    #expect(try await store.bounds(beforeLast: 10_000).start == floor)
                    #expect(try await store.bounds(beforeLast: 0).start == seen)
                    #expect(positions.allSatisfy { $0 > floor })
                    #expect(floor.isFollowed(by: positions[0]) || positions[0].offset == 1)
                    seen = Position(epoch: seen.epoch + 100_000, offset: 1)
                }
            }
        }

        @Test("A log that was emptied by others is counted anew")
        func countsAnew() async throws {
            let server = try server
            let namespace = namespace()
            try await withStore(server.url, namespace: namespace, retained: 80) { store in
                let last = try await store.append(try records(0..<80), seen: .origin)[79].position
                try await server.query("TRUNCATE \(namespace).log")
                _ = try await store.reap(lease: .seconds(15))
                #expect(try await store.bounds(beforeLast: 10) == LogBounds(floor: last, start: last, head: last))
                _ = try await store.append(try records(0..<50), seen: last)
                #expect(try await positions(in: namespace, on: server).count == 50)
            }
        }

        @Test("A schema that is dropped is made again, and its log goes on in a new epoch")
        func makesSchemaAgain() async throws {
            let server = try server
            let namespace = namespace()
            try await withStore(server.url, namespace: namespace) { store in
                let last = try await store.append(try records(0..<5), seen: .origin)[4].position
                try await server.query("DROP SCHEMA \(namespace) CASCADE")
                var receipts: [Receipt] = []
                try await eventually("an append", within: .seconds(5)) {
                    do { receipts = try await store.append(try records(0..<2), seen: last) } catch let error as BusError
                    {
                        #expect(error.code == .unavailable)
                    }
                    return !receipts.isEmpty
                }
                #expect(receipts[0].position.epoch > last.epoch)
                #expect(receipts.map(\.position.offset) == [1, 2])
            }
        }

        @Test("A log whose state was removed goes on in a new epoch after what it holds")
        func goesOnWithoutState() async throws {
            let server = try server
            let namespace = namespace()
            try await withStore(server.url, namespace: namespace) { store in
                let last = try await store.append(try records(0..<5), seen: .origin)[4].position
                try await server.query("DELETE FROM \(namespace).state")
                let state = try await store.open(seen: .origin)
                #expect(state.head.epoch > last.epoch && state.predecessor == last)
                let bounds = try await store.bounds(beforeLast: 2)
                #expect(bounds.floor == Position(epoch: last.epoch, offset: 0))
                #expect(bounds.start == Position(epoch: last.epoch, offset: 3))
            }
        }
    }
}
