public import MessageBus
import Synchronization

/// A bus that breaks one promise from time to time: what the checker has to catch.
public struct FaultyBus: MessageBus {
    public enum Fault: String, Sendable, CaseIterable {
        /// Every so often an alert is left out of what a subscription hands over.
        case dropsAlerts
        /// Every so often a batch is handed over twice.
        case repeatsBatches
        /// Every so often a batch is handed over backwards.
        case reordersBatches
        /// Keys are not honoured.
        case forgetsKeys
        /// Every so often a publish is acknowledged and not carried out.
        case acknowledgesEarly
    }

    private let bus: any MessageBus
    private let fault: Fault
    private let turns = Turns()

    public init(_ bus: any MessageBus, fault: Fault) {
        self.bus = bus
        self.fault = fault
    }

    public func publish(_ drafts: [Draft]) async throws(BusError) -> [Receipt] {
        switch fault {
        case .forgetsKeys:
            return try await bus.publish(
                drafts.map {
                    Draft(topic: $0.topic, content: $0.content, time: $0.time, sender: $0.sender, region: $0.region)
                })
        case .acknowledgesEarly where turns.isTurn():
            let receipts = try await bus.publish(Array(drafts.dropLast()))
            let last = receipts.last?.position ?? Position(epoch: 1, offset: 0)
            return receipts + [Receipt(position: last.successor, isDuplicate: false)]
        default: return try await bus.publish(drafts)
        }
    }

    public func subscribe(_ vm: VMIdentity, tail: Int) async throws(BusError) -> any Subscription {
        FaultySubscription(subscription: try await bus.subscribe(vm, tail: tail), fault: fault, turns: turns)
    }

    public func vms() async throws(BusError) -> [VMRecord] { try await bus.vms() }
}

private struct FaultySubscription: Subscription {
    let subscription: any Subscription
    let fault: FaultyBus.Fault
    let turns: Turns

    var name: SubscriptionName { subscription.name }
    var start: Position { subscription.start }
    var head: Position { subscription.head }

    func next(limit: Int) async throws(BusError) -> Delivery? {
        let delivery = try await subscription.next(limit: limit)
        guard case .alerts(let alerts)? = delivery, turns.isTurn() else { return delivery }
        switch fault {
        case .dropsAlerts where alerts.count > 1: return .alerts(Array(alerts.dropFirst()))
        case .repeatsBatches: return .alerts(alerts + alerts)
        case .reordersBatches where alerts.count > 1: return .alerts(alerts.reversed())
        default: return delivery
        }
    }

    func report(_ load: VMLoad) async { await subscription.report(load) }
    func delete() async throws(BusError) { try await subscription.delete() }
}

/// Every fifth is a turn.
private final class Turns: Sendable {
    private let count = Atomic(0)

    func isTurn() -> Bool { count.add(1, ordering: .relaxed).newValue % 5 == 0 }
}
