import CrierTesting
import MessageBus
import Testing

/// The in-process bus against the contract of `MessageBus`.
struct InProcessBusConformanceTests {
    @Test("The in-process bus keeps the contract", arguments: BusConformance.all)
    func conforms(_ check: BusConformance) async throws {
        let clock = VirtualClock()
        let bus = InProcessBus(retention: Retention(count: 2_000, age: 1_000, bytes: 1 << 24), clock: clock.wallClock)
        try await check.run(
            on: BusUnderTest(bus: bus, retainedAlerts: 2_000) { clock.advance(milliseconds: $0) })
    }

    /// Each fault breaks the contract; a suite that lets one pass proves nothing.
    @Test("The suite finds every fault", arguments: FaultyBus.Fault.allCases)
    func findsFault(_ fault: FaultyBus.Fault) async throws {
        for check in BusConformance.all {
            let clock = VirtualClock()
            let bus = InProcessBus(
                retention: Retention(count: 2_000, age: 1_000, bytes: 1 << 24), clock: clock.wallClock)
            let subject = BusUnderTest(
                bus: FaultyBus(bus, fault: fault), retainedAlerts: 2_000, patience: .seconds(2)
            ) {
                clock.advance(milliseconds: $0)
            }
            do { try await check.run(on: subject) } catch { return }
        }
        Issue.record("no check fails on a bus that \(fault.rawValue)")
    }
}
