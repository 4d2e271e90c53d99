import CrierTesting
import MessageBus
import RedisBus
import Testing

/// The bus on a real Redis against the contract of `MessageBus`.
@Suite(.serialized)
struct ConformanceTests {
    @Test("The bus on Redis keeps the contract", arguments: BusConformance.all)
    func conforms(_ check: BusConformance) async throws {
        try await withRedis { server in
            let bus = try RedisBus.make(url: server.url, namespace: "conformance", logCount: 2_000, logger: quiet)
            try await perform {
                try await check.run(on: BusUnderTest(bus: bus, retainedAlerts: 2_000))
            } finally: {
                await bus.close()
            }
        }
    }

    @Test("The bus keeps the contract where reads may not wait", arguments: BusConformance.all)
    func conformsWithoutWaitingReads(_ check: BusConformance) async throws {
        try await withRedis { server in
            try await server.command(["ACL", "SETUSER", "hosted", "on", ">x", "~*", "&*", "+@all", "-@blocking"])
            let url = "redis://hosted:x@127.0.0.1:\(server.port)"
            let bus = try RedisBus.make(url: url, namespace: "conformance", logCount: 2_000, logger: quiet)
            try await perform {
                try await check.run(on: BusUnderTest(bus: bus, retainedAlerts: 2_000))
            } finally: {
                await bus.close()
            }
        }
    }
}
