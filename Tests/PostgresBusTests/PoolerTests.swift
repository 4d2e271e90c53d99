import CrierTesting
import MessageBus
import PostgresBus
import Testing

extension PostgresTests {
    /// Behind a real PgBouncer in transaction mode.
    struct PoolerTests {
        @Test("A pooler that swallows LISTEN is found when a feed is opened, and the message says what to set")
        func saysWhatToSet() async throws {
            let pooler = try await PgBouncer(before: try server)
            try await withStore(pooler.url) { store in
                _ = try await store.open(seen: .origin)
                let start = ContinuousClock.now
                let error = await #expect(throws: BusError.self) { try await store.feed(of: try vm("pooled")) }
                #expect(error?.code == .backend)
                #expect(error?.message.contains("DATABASE_DIRECT_URL") == true, "\(error?.message ?? "")")
                #expect(ContinuousClock.now - start < .seconds(4))
            }
        }

        @Test(
            "With a direct address besides, the bus keeps its contract behind a pooler", arguments: BusConformance.all)
        func conforms(_ check: BusConformance) async throws {
            let server = try server
            let pooler = try await PgBouncer(before: server)
            let bus = try PostgresBus.make(
                url: pooler.url, directURL: server.url, namespace: namespace(), logCount: 2_000, logger: logger)
            try await perform {
                try await check.run(on: BusUnderTest(bus: bus, retainedAlerts: 2_250))
            } finally: {
                await bus.close()
            }
        }
    }
}
