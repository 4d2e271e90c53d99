import CrierTesting
import MessageBus
import PostgresBus
import Testing

extension PostgresTests {
    /// The PostgreSQL bus against the contract of `MessageBus`, on a real server.
    struct Conformance {
        @Test("The PostgreSQL bus keeps the contract", arguments: BusConformance.all)
        func conforms(_ check: BusConformance) async throws {
            let bus = try PostgresBus.make(
                url: try server.url, namespace: namespace(), logCount: 2_000, logger: logger)
            // The log holds up to an eighth more than it was told.
            let subject = BusUnderTest(bus: bus, retainedAlerts: 2_250)
            try await perform {
                try await check.run(on: subject)
            } finally: {
                await bus.close()
            }
        }
    }
}
