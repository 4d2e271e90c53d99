public import MessageBus

/// A bus that says the same epoch for ever, whatever its log's is: after the log has begun anew, what comes has positions that were used before. A
/// deployment on it loses alerts without a word, which the checkers have to catch.
public struct ConstantEpochBus: MessageBus {
    private let bus: any MessageBus

    public init(_ bus: any MessageBus) { self.bus = bus }

    public func publish(_ drafts: [Draft]) async throws(BusError) -> [Receipt] {
        try await bus.publish(drafts).map {
            Receipt(position: $0.position.inConstantEpoch, isDuplicate: $0.isDuplicate)
        }
    }

    public func subscribe(_ vm: VMIdentity, tail: Int) async throws(BusError) -> any Subscription {
        ConstantEpochSubscription(subscription: try await bus.subscribe(vm, tail: tail))
    }

    public func vms() async throws(BusError) -> [VMRecord] { try await bus.vms() }
}

private struct ConstantEpochSubscription: Subscription {
    let subscription: any Subscription

    var name: SubscriptionName { subscription.name }
    var start: Position { subscription.start.inConstantEpoch }
    var head: Position { subscription.head.inConstantEpoch }

    func next(limit: Int) async throws(BusError) -> Delivery? {
        guard let delivery = try await subscription.next(limit: limit) else { return nil }
        return switch delivery {
        case .alerts(let alerts):
            .alerts(alerts.map { Alert(position: $0.position.inConstantEpoch, draft: $0.draft) })
        case .lost(let loss): .lost(Loss(cause: loss.cause, resumesAfter: loss.resumesAfter.inConstantEpoch))
        case .away, .back: delivery
        }
    }

    func report(_ load: VMLoad) async { await subscription.report(load) }
    func delete() async throws(BusError) { try await subscription.delete() }
}

extension Position {
    fileprivate var inConstantEpoch: Position { Position(epoch: 1, offset: offset) }
}
