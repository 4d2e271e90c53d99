import CrierTesting
import MessageBus
import Testing

@testable import PostgresBus

extension PostgresTests {
    /// The store beside the bus, on a real PostgreSQL.
    struct SharedStoreTests {
        private let sessions = StoreCollection("sessions")!

        private func name(_ key: String) throws -> StoreName { try #require(StoreName(sessions, key)) }

        /// Runs something with a bus's store, whose bus is closed whatever comes of it.
        private func withSharedStore(
            _ url: String, namespace: String = namespace(), _ body: (PostgresSharedStore) async throws -> Void
        ) async throws {
            let (bus, store) = try PostgresBus.makeWithStore(
                url: url, namespace: namespace, logCount: 100, logger: logger)
            try await perform {
                try await body(store)
            } finally: {
                await bus.close()
            }
        }

        private func examine(_ check: SharedStoreConformance, at url: String) async throws {
            let namespace = namespace()
            try await withSharedStore(url, namespace: namespace) { store in
                try await withSharedStore(url, namespace: namespace) { other in
                    try await withSharedStore(url) { stranger in
                        try await check.run(on: StoreUnderTest(store: store, other: other, stranger: stranger))
                    }
                }
            }
        }

        @Test("The store on PostgreSQL keeps the contract", arguments: SharedStoreConformance.all)
        func conforms(_ check: SharedStoreConformance) async throws { try await examine(check, at: server.url) }

        @Test("The store keeps the contract behind a pooler")
        func conformsBehindPooler() async throws {
            let pooler = try await PgBouncer(before: try server)
            for check in SharedStoreConformance.all { try await examine(check, at: pooler.url) }
        }

        @Test("Eight VMs that find an older deployment agree on what is added to it, and lose nothing of it")
        func upgrades() async throws {
            let server = try server
            let namespace = namespace()
            let head = try await withStore(server.url, namespace: namespace) { store in
                try await store.append(try records(0..<3), seen: .origin)[2].position
            }
            try await server.query(
                "DROP TABLE \(namespace).store; DELETE FROM \(namespace).version WHERE version > 1")
            try await withThrowingTaskGroup(of: Void.self) { group in
                for number in 0..<8 {
                    group.addTask {
                        try await withSharedStore(server.url, namespace: namespace) { store in
                            try await store.set(try name("vm\(number)"), [1], lasting: .seconds(600))
                        }
                    }
                }
                try await group.waitForAll()
            }
            try await withSharedStore(server.url, namespace: namespace) { store in
                let count = try await store.entries(of: sessions, limit: 100).count
                #expect(count == 8)
            }
            let kept = try await withStore(server.url, namespace: namespace) { try await $0.open(seen: .origin).head }
            #expect(kept == head)
            #expect(try await server.query("SELECT max(version) FROM \(namespace).version") == "2")
        }

        @Test("A role that may not add to an older deployment is told what to grant, and needs it no longer than that")
        func saysWhatToGrant() async throws {
            let server = try server
            let namespace = namespace()
            let role = "role_\(namespace)"
            try await server.query("CREATE ROLE \(role) LOGIN; CREATE SCHEMA \(namespace) AUTHORIZATION \(role)")
            let url = "postgres://\(role)@127.0.0.1:\(server.port)/crier"
            try await withSharedStore(url, namespace: namespace) { store in
                try await store.set(try name("a"), [1], lasting: .seconds(600))
            }
            try await server.query(
                """
                DROP TABLE \(namespace).store; DELETE FROM \(namespace).version WHERE version > 1;
                REVOKE CREATE ON SCHEMA \(namespace) FROM \(role)
                """)
            try await withSharedStore(url, namespace: namespace) { store in
                let failure = await store.failure { () throws(BusError) in
                    _ = try await store.value(of: StoreName(sessions, "a")!)
                }
                #expect(failure?.code == .backend)
                #expect(
                    failure?.message.contains("GRANT CREATE ON SCHEMA \(namespace)") == true,
                    "\(failure?.message ?? "")")
                try await server.query("GRANT CREATE ON SCHEMA \(namespace) TO \(role)")
                try await store.set(try name("a"), [2], lasting: .seconds(600))
                try await server.query("REVOKE CREATE ON SCHEMA \(namespace) FROM \(role)")
                #expect(try await store.value(of: try name("a")) == [2])
            }
            try await withSharedStore(url, namespace: namespace) { store in
                let value = try await store.value(of: try name("a"))
                #expect(value == [2])
            }
        }

        @Test("Rows that have expired are removed by whoever writes, however many write at once")
        func sweeps() async throws {
            let server = try server
            let namespace = namespace()
            try await withSharedStore(server.url, namespace: namespace) { store in
                try await store.set(try name("kept"), [1], lasting: .seconds(600))
                try await server.query(
                    """
                    INSERT INTO \(namespace).store SELECT 'sessions', 'old' || n, '', now() - interval '1 hour'
                    FROM generate_series(1, 4500) n
                    """)
                try await withThrowingTaskGroup(of: Void.self) { group in
                    for writer in 0..<6 {
                        group.addTask {
                            try await withSharedStore(server.url, namespace: namespace) { store in
                                for number in 0..<60 {
                                    // The same names in other orders: whoever waited for another's rows would be found out by a deadlock.
                                    let key = "old\(1 + (writer.isMultiple(of: 2) ? number : 59 - number))"
                                    try await store.set(try name(key), [1], lasting: .milliseconds(1))
                                }
                            }
                        }
                    }
                    try await group.waitForAll()
                }
                try await eventually("the removal") {
                    _ = try await store.extend(try name("kept"), lasting: .seconds(700))
                    return try await server.query("SELECT count(*) FROM \(namespace).store") == "1"
                }
                #expect(try await store.value(of: try name("kept")) == [1])
            }
        }

        @Test("Expired rows are removed at most once a second, and at once where many are left")
        func pacesSweeps() {
            var pace = SweepPace()
            let start = ContinuousClock.now
            let first = pace.isDue(at: start)
            #expect(first)
            pace.removed(SweepPace.most - 1)
            let early = pace.isDue(at: start + .milliseconds(999))
            #expect(!early)
            let second = pace.isDue(at: start + .seconds(1))
            #expect(second)
            pace.removed(SweepPace.most)
            let third = pace.isDue(at: start + .seconds(1))
            #expect(third)
        }

        @Test("A server that is killed is said to be away at once; when it is back the store is, with what it had")
        func survivesKill() async throws {
            let server = try await PostgresServer.start()
            try await withSharedStore(server.url) { store in
                try await store.set(try name("kept"), [1], lasting: .seconds(600))
                try await store.set(try name("short"), [1], lasting: .milliseconds(200))
                try await server.kill()
                let start = ContinuousClock.now
                for _ in 0..<20 {
                    for failure in await store.failures() {
                        #expect(
                            failure?.code == .unavailable && failure?.retryAfter != nil,
                            "\(String(describing: failure))")
                    }
                }
                #expect(ContinuousClock.now - start < .seconds(4))
                try await server.restart()
                try await eventually("the store's return", within: .seconds(8)) {
                    (try? await store.extend(try name("kept"), lasting: .seconds(900))) == true
                }
                try await eventually("the end of an entry", within: .seconds(5)) {
                    try await store.value(of: try name("short")) == nil
                }
                let left = try await store.entries(of: sessions, limit: 9)
                #expect(left == [StoreEntry(name: try name("kept"), value: [1])])
                try await store.set(try name("new"), [2], lasting: .seconds(60))
            }
            try await server.stop()
        }

        @Test("A half-open link is found in time, and the store recovers")
        func findsHalfOpenLinks() async throws {
            let server = try server
            let proxy = try await FaultProxy.start(target: server.port)
            try await withSharedStore(server.url(port: proxy.port)) { store in
                try await store.set(try name("a"), [1], lasting: .seconds(600))
                await proxy.set(.drop)
                let start = ContinuousClock.now
                let first = await store.failure { () throws(BusError) in
                    try await store.set(StoreName(sessions, "a")!, [2], lasting: .seconds(600))
                }
                #expect(first?.code == .unavailable)
                #expect(ContinuousClock.now - start < .milliseconds(4_500))
                await proxy.set(.none)
                try await eventually("the recovery", within: .seconds(8)) {
                    (try? await store.value(of: try name("a"))) != nil
                }
            }
            await proxy.stop()
        }

        @Test("A schema that someone removed is made again")
        func remakesSchema() async throws {
            let server = try server
            let namespace = namespace()
            try await withSharedStore(server.url, namespace: namespace) { store in
                try await store.set(try name("a"), [1], lasting: .seconds(600))
                try await server.query("DROP SCHEMA \(namespace) CASCADE")
                let failure = await store.failure { () throws(BusError) in
                    _ = try await store.value(of: StoreName(sessions, "a")!)
                }
                #expect(failure?.code == .unavailable)
                #expect(try await store.value(of: try name("a")) == nil)
                try await store.set(try name("a"), [2], lasting: .seconds(600))
                #expect(try await store.value(of: try name("a")) == [2])
            }
        }

        @Test("Rows that are no entries are left out")
        func ignoresForeign() async throws {
            let server = try server
            let namespace = namespace()
            try await withSharedStore(server.url, namespace: namespace) { store in
                try await store.set(try name("a"), [1], lasting: .seconds(600))
                try await server.query(
                    "INSERT INTO \(namespace).store VALUES ('sessions', 'no name', '', now() + interval '1 hour')")
                #expect(try await store.entries(of: sessions, limit: 9).map(\.name.key) == ["a"])
            }
        }
    }
}
