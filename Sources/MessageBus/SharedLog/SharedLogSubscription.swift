import DequeModule
import Logging
import NIOConcurrencyHelpers

/// A VM's cursor in a shared log, its feed and its lease.
final class SharedLogSubscription<Store: LogStore>: Subscription {
    private struct State {
        var follower: LogFollower
        /// What one reading led to and was not handed over yet: bounded by what one reading gives.
        var pending: Deque<Delivery> = []
        var feed: Store.Feed?
        /// Whether a reading is under way.
        var isReading = false
        var isAway = false
        var hasEnded = false
        var backoff = Backoff.toBus
        var lastProbe: ContinuousClock.Instant
        /// How often in a row a renewal found the log further than the cursor, which stood still although it was read.
        var standstill: (cursor: Position, count: Int)
    }

    private let bus: SharedLogBus<Store>
    private let vm: VMIdentity
    let start: Position
    let head: Position
    private let state: NIOLockedValueBox<State>
    /// Opened when the subscription ends, so that nothing goes on waiting to try again.
    private let end = Pending<Void>()

    init(bus: SharedLogBus<Store>, vm: VMIdentity, start: Position, head: Position, feed: Store.Feed) {
        self.bus = bus
        self.vm = vm
        self.start = start
        self.head = head
        self.state = NIOLockedValueBox(
            State(
                follower: LogFollower(after: start), feed: feed, lastProbe: .now, standstill: (start, 0)))
    }

    var name: SubscriptionName { vm.subscription }

    func next(limit: Int) async throws(BusError) -> Delivery? {
        while true {
            let (pending, hasEnded) = state.withLockedValue { ($0.hasEnded ? nil : $0.pending.popFirst(), $0.hasEnded) }
            if let pending { return pending }
            if hasEnded || Task.isCancelled { return nil }
            do throws(BusError) {
                let feed = try await connectedFeed()
                try await read(from: feed, limit: limit)
            } catch {
                if Task.isCancelled { return nil }
                await fail(error)
            }
        }
    }

    func report(_ load: VMLoad) async {
        guard !hasEnded else { return }
        do throws(BusError) {
            let renewal = try await bus.store.renew(vm, load: load)
            // It was deleted meanwhile, and the report may have brought the name back.
            guard !hasEnded else { return try await bus.store.leave(vm) }
            guard renewal.isCurrent else { return await finish() }
            try await listen(head: renewal.head)
            await bus.healOwed()
            for name in try await bus.store.reap(lease: bus.timing.lease) {
                bus.logger.info("reaped a VM that is gone", metadata: ["subscription": "\(name)"])
            }
        } catch {
            bus.logger.debug("not reported", metadata: ["error": "\(error)"])
        }
    }

    func delete() async throws(BusError) {
        await finish()
        try await bus.store.leave(vm)
    }
}

// Reading.
extension SharedLogSubscription {
    private func read(from feed: Store.Feed, limit: Int) async throws(BusError) {
        let cursor = state.withLockedValue { state in
            state.isReading = true
            return state.follower.cursor
        }
        defer { state.withLockedValue { $0.isReading = false } }
        switch try await feed.read(after: cursor, limit: max(1, limit), wait: bus.timing.reading) {
        case .nothing: break
        case .superseded:
            bus.logger.notice("a newer boot took the subscription over", metadata: ["subscription": "\(name)"])
            await finish()
        case .alerts(let stored):
            let steps = state.withLockedValue { $0.follower.take(stored) }
            for step in steps { await carryOut(step) }
        }
    }

    private func carryOut(_ step: LogFollower.Step) async {
        switch step {
        case .deliver(.alerts(let read)):
            let alerts = bus.hold(read)
            state.withLockedValue { $0.pending.append(.alerts(alerts)) }
        case .deliver(let delivery): state.withLockedValue { $0.pending.append(delivery) }
        case .heal(let position, let epoch): await bus.heal(after: position, before: epoch)
        case .readAgain: break
        }
    }

    /// The feed that there is, or a new one once the backend answers.
    private func connectedFeed() async throws(BusError) -> Store.Feed {
        if let feed = state.withLockedValue({ $0.feed }) { return feed }
        try await bus.open()
        let feed = try await bus.store.feed(of: vm)
        let isWanted = state.withLockedValue { state in
            guard !state.hasEnded else { return false }
            state.feed = feed
            state.backoff = Backoff.toBus
            state.lastProbe = .now
            if state.isAway {
                state.isAway = false
                state.pending.append(.back)
            }
            return true
        }
        guard isWanted else {
            await feed.close()
            throw BusError(.closed, "the subscription has ended")
        }
        return feed
    }

    /// The backend did not do what it was asked: it is away, and is tried again after a while.
    private func fail(_ error: BusError) async {
        await drop()
        let (delay, isNew) = state.withLockedValue { state -> (Duration, Bool) in
            guard !state.hasEnded else { return (.zero, false) }
            guard state.isAway else {
                state.isAway = true
                state.pending.append(.away)
                return (.zero, true)
            }
            return (state.backoff.next(), false)
        }
        if isNew { bus.logger.warning("the bus is away", metadata: ["error": "\(error)"]) }
        if delay > .zero { _ = await end.value(until: .now + delay) }
    }

    private func drop() async {
        let feed = state.withLockedValue { state in
            defer { state.feed = nil }
            return state.feed
        }
        await feed?.close()
    }

    private var hasEnded: Bool { state.withLockedValue { $0.hasEnded } }

    private func finish() async {
        state.withLockedValue { $0.hasEnded = true }
        end.resolve(())
        await drop()
    }
}

// Finding a bus that is connected but deaf.
extension SharedLogSubscription {
    /// Makes sure that what the bus has reaches this VM; where it does not, the feed is closed, which `next` takes for the bus's absence.
    private func listen(head: Position) async throws(BusError) {
        let (feed, isStandingStill, isProbeDue) = state.withLockedValue { state -> (Store.Feed?, Bool, Bool) in
            let cursor = state.follower.cursor
            let isBehind =
                state.isReading && head > cursor && head.offset > 0 && cursor == state.standstill.cursor
            let isProbeDue = ContinuousClock.now - state.lastProbe >= bus.timing.probing
            if isProbeDue {
                state.lastProbe = .now
                state.standstill = (cursor, isBehind ? state.standstill.count + 1 : 0)
            }
            return (state.feed, state.standstill.count >= 2, isProbeDue)
        }
        guard isProbeDue, let feed else { return }
        do throws(BusError) {
            if isStandingStill { throw BusError(.unavailable, "the log went on and nothing of it came") }
            try await feed.probe(within: bus.timing.hearing)
        } catch {
            bus.logger.warning("the bus is deaf", metadata: ["error": "\(error)"])
            await feed.close()
            throw error
        }
    }
}
