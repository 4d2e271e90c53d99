import MessageBus
import NIOConcurrencyHelpers
import NIOCore
import NIOPosix
import Synchronization

/// A bus that the test holds up, takes away and lets say what a backend may say.
final class MoodyBus: MessageBus {
    private struct State {
        var isAway = false
        var hasPlaces = true
        var held: EventLoopPromise<Void>?
        var waiting = 0
        var says: [Delivery] = []
    }

    private let bus: InProcessBus
    private let state = NIOLockedValueBox(State())

    init(_ bus: InProcessBus) { self.bus = bus }

    /// Whether publishing fails.
    func setAway(_ isAway: Bool) { state.withLockedValue { $0.isAway = isAway } }

    /// Whether a VM gets a place on the bus.
    func setPlaces(_ hasPlaces: Bool) { state.withLockedValue { $0.hasPlaces = hasPlaces } }

    /// Publishes wait from now on, until `release`.
    func hold() {
        let promise = MultiThreadedEventLoopGroup.singleton.next().makePromise(of: Void.self)
        state.withLockedValue { $0.held = promise }
    }

    func release() {
        let held = state.withLockedValue { state in
            defer { state.held = nil }
            return state.held
        }
        held?.succeed()
    }

    /// What the subscription says after the next alerts.
    func say(_ delivery: Delivery) { state.withLockedValue { $0.says.append(delivery) } }

    /// How many alerts are being held up.
    var waiting: Int { state.withLockedValue { $0.waiting } }

    func publish(_ drafts: [Draft]) async throws(BusError) -> [Receipt] {
        let (isAway, held) = state.withLockedValue { state in
            state.waiting = state.held == nil ? 0 : drafts.count
            return (state.isAway, state.held)
        }
        try? await held?.futureResult.get()
        if isAway { throw BusError(.unavailable, "the bus is away", retryAfter: 3) }
        return try await bus.publish(drafts)
    }

    func subscribe(_ vm: VMIdentity, tail: Int) async throws(BusError) -> any Subscription {
        guard state.withLockedValue({ $0.hasPlaces }) else {
            throw BusError(.unavailable, "the bus is away", retryAfter: 3)
        }
        return MoodySubscription(inner: try await bus.subscribe(vm, tail: tail), bus: self)
    }

    func vms() async throws(BusError) -> [VMRecord] { try await bus.vms() }

    fileprivate func takeSaid() -> Delivery? {
        state.withLockedValue { $0.says.isEmpty ? nil : $0.says.removeFirst() }
    }
}

private final class MoodySubscription: Subscription {
    let inner: any Subscription
    let bus: MoodyBus
    private let mayInterrupt = Atomic(false)

    init(inner: any Subscription, bus: MoodyBus) {
        self.inner = inner
        self.bus = bus
    }

    var name: SubscriptionName { inner.name }
    var start: Position { inner.start }
    var head: Position { inner.head }

    func next(limit: Int) async throws(BusError) -> Delivery? {
        if mayInterrupt.load(ordering: .relaxed), let said = bus.takeSaid() { return said }
        mayInterrupt.store(true, ordering: .relaxed)
        return try await inner.next(limit: limit)
    }

    func report(_ load: VMLoad) async { await inner.report(load) }
    func delete() async throws(BusError) { try await inner.delete() }
}
