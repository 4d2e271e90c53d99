import CrierTesting
import MessageBus
import Testing

@testable import GoogleBus

/// The bus on Google's emulator against the contract of `MessageBus`.
@Suite(.serialized, .enabled(if: PubSubEmulator.isInstalled, Comment(rawValue: PubSubEmulator.absence)))
struct ConformanceTests {
    @Test("The bus on Pub/Sub keeps the contract")
    func conforms() async throws {
        try await withEmulator { world in
            for (index, check) in BusConformance.all.enumerated() {
                let world = GoogleWorld(emulator: world.emulator, topic: "CONFORMANCE_\(index)", timing: world.timing)
                do {
                    try await using(try world.bus(vm("conformance"))) { bus in
                        try await check.run(
                            on: BusUnderTest(bus: bus, retainedAlerts: 2_000, patience: .seconds(30)))
                    }
                } catch { Issue.record("\(check): \(error)") }
            }
        }
    }
}
