import CrierTesting
import Logging
import MessageBus
import Testing

/// VMs on a log that loses its end now and then, in an order that a seed decides: whatever was acknowledged reaches every VM, once as far as
/// its readers can tell, or a loss is said.
struct HealingSimulationTests {
    private final class VM {
        let bus: SharedLogBus<ModelLogStore>
        let subscription: any Subscription
        var cursor: Position
        /// What readers have, by the id that they know it by.
        var bodies: [Position: String] = [:]
        var wasTold = false

        init(_ index: Int, on store: ModelLogStore) async throws {
            bus = SharedLogBus(store: store, logger: Logger(label: "simulation") { _ in SwiftLogNoOpLogHandler() })
            subscription = try await bus.subscribe(
                try #require(VMIdentity(id: "vm-\(index)", region: "here", boot: "boot")), tail: 0)
            cursor = subscription.start
        }

        /// Takes one hand-over.
        func pull(limit: Int) async throws {
            switch try await subscription.next(limit: limit) {
            case .alerts(let alerts):
                for alert in alerts {
                    #expect(alert.position > cursor, "positions only grow")
                    cursor = alert.position
                    let identity = alert.healedFrom ?? alert.position
                    if let known = bodies[identity] {
                        #expect(alert.healedFrom != nil, "\(identity) came twice and does not say so")
                        #expect(known == alert.draft.content.message, "two alerts at \(identity)")
                    }
                    bodies[identity] = alert.draft.content.message
                }
            case .lost(let loss):
                wasTold = true
                cursor = max(cursor, loss.resumesAfter)
            case .away, .back: break
            case nil: Issue.record("the subscription ended")
            }
        }
    }

    @Test("Nothing that was acknowledged is lost while a VM holds it", arguments: 0..<300)
    func heals(seed: UInt64) async throws {
        var random = SeededGenerator(seed: seed)
        let store = ModelLogStore()
        var vms: [VM] = []
        for index in 0..<3 { vms.append(try await VM(index, on: store)) }
        var acknowledged: Set<String> = []
        /// Published, and not acknowledged as far as its publisher knows.
        var unanswered: [String] = []
        var published = 0

        for _ in 0..<200 {
            let vm = vms[Int.random(in: 0..<vms.count, using: &random)]
            switch Int.random(in: 0..<20, using: &random) {
            case 0..<4:
                let drafts = (0..<Int.random(in: 1...3, using: &random)).map { _ in
                    published += 1
                    return Self.draft("alert \(published)")
                }
                _ = try await vm.bus.publish(drafts)
                for draft in drafts {
                    if Int.random(in: 0..<4, using: &random) == 0 {
                        unanswered.append(draft.content.message)
                    } else {
                        acknowledged.insert(draft.content.message)
                    }
                }
            case 4..<6:
                guard let again = unanswered.popLast() else { continue }
                _ = try await vm.bus.publish([Self.draft(again)])
                acknowledged.insert(again)
            case 6..<19: if vm.cursor < store.head { try await vm.pull(limit: Int.random(in: 1...12, using: &random)) }
            default: store.crash(losing: Int.random(in: 0...6, using: &random))
            }
        }
        // Everyone publishes once more, notices on the way what the backend lost, and reads to the end.
        for vm in vms { _ = try await vm.bus.publish([Self.draft("last of \(vm.subscription.name)")]) }
        for _ in 0..<4 {
            for vm in vms { while vm.cursor < store.head { try await vm.pull(limit: 100) } }
        }
        for vm in vms where !vm.wasTold {
            let missing = acknowledged.subtracting(vm.bodies.values)
            #expect(missing.isEmpty, "\(vm.subscription.name) misses \(missing.sorted()) without a word")
            #expect(vm.bodies.count == Set(vm.bodies.values).count, "an alert came twice under ids that differ")
        }
    }

    private static func draft(_ body: String) -> Draft {
        Draft(
            topic: Topic("t")!, content: AlertContent(message: body), time: WallClock.system.now(), sender: nil,
            region: "here", key: body)
    }
}
