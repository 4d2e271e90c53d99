import CrierTesting
import MessageBus
import Testing

/// Interleavings under a virtual clock, and the controls that prove the checker.
struct LogSimulationTests {
    @Test("Two thousand seeded interleavings lose, double and reorder nothing")
    func holds() async throws {
        for seed in UInt64(0)..<2_000 {
            var simulation = LogSimulation(seed: seed)
            let violations = try await simulation.run(steps: 150)
            #expect(violations.isEmpty, "seed \(seed): \(violations.prefix(3))")
            if !violations.isEmpty { return }
        }
    }

    @Test("The same seed gives the same run")
    func repeats() async throws {
        var first = LogSimulation(seed: 42, mistake: .noResume)
        var second = LogSimulation(seed: 42, mistake: .noResume)
        #expect(try await Set(first.run(steps: 300)) == Set(second.run(steps: 300)))
    }

    @Test("The checker finds every mistake of VMs", arguments: LogSimulation.Mistake.allCases)
    func findsMistake(_ mistake: LogSimulation.Mistake) async throws {
        var found = 0
        for seed in UInt64(0)..<100 {
            var simulation = LogSimulation(seed: seed, mistake: mistake)
            if try await !simulation.run(steps: 400).isEmpty { found += 1 }
        }
        #expect(found > 0)
    }

    @Test("The checker finds every fault of buses", arguments: FaultyBus.Fault.allCases)
    func findsFault(_ fault: FaultyBus.Fault) async throws {
        var kinds: Set<String> = []
        for seed in UInt64(0)..<20 {
            var simulation = LogSimulation(seed: seed) { FaultyBus($0, fault: fault) }
            for violation in try await simulation.run(steps: 300) { kinds.insert(Self.kind(of: violation)) }
        }
        #expect(!kinds.isDisjoint(with: Self.expected(of: fault)), "\(fault) gives \(kinds)")
    }

    private static func expected(of fault: FaultyBus.Fault) -> Set<String> {
        switch fault {
        case .dropsAlerts: ["hole", "lost"]
        case .repeatsBatches, .reordersBatches: ["outOfOrder"]
        case .forgetsKeys: ["doubled"]
        case .acknowledgesEarly: ["lost", "doubled", "wrongReceipt"]
        }
    }

    private static func kind(of violation: DeliveryChecker.Violation) -> String {
        switch violation {
        case .lost: "lost"
        case .invented: "invented"
        case .outOfOrder: "outOfOrder"
        case .hole: "hole"
        case .positionReused: "positionReused"
        case .doubled: "doubled"
        case .wrongReceipt: "wrongReceipt"
        }
    }
}
