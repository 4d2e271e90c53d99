import CoreMetrics
public import Logging
public import MessageBus
import NIOConcurrencyHelpers
public import NIOCore

/// The VM's connected readers, and its place on the bus.
///
/// `run` takes the log from the bus and hands it to every shard, batch after batch; what comes while one is written gathers for the next, so a
/// VM that is busy writes larger batches instead of queueing them.
public final class Hub: Sendable {
    /// What the rest of the process may know of the hub at any moment.
    public struct Status: Sendable, Equatable {
        /// The subscription is live and the rings are warm.
        public var isReady = false
        /// The backend is away: alerts may be late and publishing fails.
        public var isBusAway = false
        /// The VM is leaving.
        public var isLeaving = false
        public var position = Position.origin
        public var sockets = 0
    }

    public let vm: VMIdentity
    public let configuration: HubConfiguration
    private let bus: any MessageBus
    private let shards: [NIOLoopBound<HubShard>]
    private let status: StatusBox
    private let subscription = NIOLockedValueBox<(any Subscription)?>(nil)
    private let notices = NIOLockedValueBox<(@Sendable (ControlNotice) -> Void)?>(nil)
    private let logger: Logger
    private let metrics: HubMetrics

    /// How often the bus is told of the VM's load.
    private static let reportInterval = Duration.seconds(2)

    public init(
        bus: any MessageBus, vm: VMIdentity, eventLoops: any EventLoopGroup, configuration: HubConfiguration = .init(),
        clock: WallClock = .system, metrics: HubMetrics, logger: Logger
    ) async throws {
        let status = StatusBox()
        self.bus = bus
        self.vm = vm
        self.configuration = configuration
        self.status = status
        self.logger = logger
        self.metrics = metrics
        var shards: [NIOLoopBound<HubShard>] = []
        for eventLoop in eventLoops.makeIterator() {
            let shard = try await eventLoop.submit {
                NIOLoopBound(
                    HubShard(
                        eventLoop: eventLoop, vm: vm, configuration: configuration, clock: clock, metrics: metrics
                    ) { change in status.update { $0.sockets += change } },
                    eventLoop: eventLoop)
            }.get()
            shards.append(shard)
        }
        self.shards = shards
    }

    public var currentStatus: Status { status.current }

    /// Has the notices of this deployment's VMs told, in log order, before readers get what stands behind them. One at a time.
    public func onNotice(_ handler: @escaping @Sendable (ControlNotice) -> Void) {
        notices.withLockedValue { $0 = handler }
    }

    /// The VMs that have a place on the bus; what is said of this one is of now.
    ///
    /// - Parameter reporting: whether that is said first; otherwise it is as of two seconds ago at most.
    public func vms(reporting: Bool = true) async throws(BusError) -> [VMRecord] {
        if reporting { await report() }
        return try await bus.vms()
    }

    /// The shard of the event loop that the caller runs on.
    public func shard(on eventLoop: any EventLoop) -> HubShard? {
        shards.first { $0.eventLoop === eventLoop }?.value
    }

    /// Follows the bus until the VM leaves it or the task is cancelled.
    ///
    /// - Throws: `BusError` where a newer boot of the same VM took its place on the bus.
    public func run() async throws {
        let ticks = startTicking()
        defer { for tick in ticks { tick.cancel() } }
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { await self.reportLoad() }
            try await self.follow(try await self.subscribe())
            group.cancelAll()
        }
    }

    /// Deletes the VM's subscription and takes no more from the bus. Repeating it has no effect.
    public func leaveBus() async {
        status.update {
            $0.isLeaving = true
            $0.isReady = false
        }
        guard let subscription = subscription.withLockedValue({ $0 }) else { return }
        do {
            try await subscription.delete()
            logger.info("subscription deleted", metadata: ["subscription": "\(subscription.name)"])
        } catch {
            logger.warning("subscription not deleted", metadata: ["error": "\(error)"])
        }
    }

    /// Lets all readers go, spread evenly over `seconds`, and waits until none is left; those that stay longer than `grace` after that are given up.
    public func drain(seconds: Int, grace: Duration = .seconds(6)) async {
        await withTaskGroup(of: Void.self) { group in
            group.addTask { await self.emptyShards(seconds: seconds) }
            group.addTask {
                try? await ContinuousClock().sleep(for: .seconds(seconds) + grace)
                for shard in self.shards { shard.eventLoop.execute { shard.value.endAll() } }
            }
            await group.next()
            group.cancelAll()
        }
    }

    private func emptyShards(seconds: Int) async {
        await withTaskGroup(of: Void.self) { group in
            for shard in shards {
                group.addTask {
                    let emptied = Gate()
                    shard.eventLoop.execute {
                        shard.value.beginDrain(seconds: seconds) { emptied.open() }
                    }
                    await emptied.wait()
                }
            }
        }
    }
}

// Following the bus.
extension Hub {
    private func subscribe() async throws -> any Subscription {
        var backoff = Backoff.toBus
        while true {
            do {
                let subscription = try await bus.subscribe(vm, tail: configuration.retention.count)
                self.subscription.withLockedValue { $0 = subscription }
                return subscription
            } catch {
                let wait = backoff.next()
                logger.error("no place on the bus", metadata: ["error": "\(error)", "retry_in": "\(wait)"])
                setBusAway(true)
                try await ContinuousClock().sleep(for: wait)
            }
        }
    }

    private func follow(_ subscription: any Subscription) async throws {
        logger.info("subscribed", metadata: ["subscription": "\(subscription.name)", "from": "\(subscription.start)"])
        setBusAway(false)
        restart(after: subscription.start)
        becomeReady(at: subscription.start, warmAt: subscription.head)
        let head = subscription.head
        let handOver = HandOver(to: shards, limit: configuration.batch) { self.becomeReady(at: $0, warmAt: head) }
        var backoff = Backoff.toBus
        while !Task.isCancelled {
            do {
                guard let delivery = try await subscription.next(limit: configuration.batch) else { break }
                backoff = Backoff.toBus
                await take(delivery, handOver, warmAt: head)
            } catch {
                logger.error("bus failed", metadata: ["error": "\(error)"])
                setBusAway(true)
                try await ContinuousClock().sleep(for: backoff.next())
            }
        }
        await handOver.flush()
        if !status.current.isLeaving && !Task.isCancelled {
            throw BusError(.closed, "another process with the id \(vm.id) took this VM's place on the bus")
        }
    }

    private func take(_ delivery: Delivery, _ handOver: HandOver, warmAt head: Position) async {
        if case .alerts(let alerts) = delivery {
            metrics.alerts.increment(by: alerts.count)
            for alert in alerts where alert.draft.topic == .control { tell(.alert(alert)) }
            return await handOver.give(alerts.map(EncodedAlert.init))
        }
        // What is said of the log is said after what stands before it.
        await handOver.flush()
        switch delivery {
        case .alerts: break
        case .lost(let loss):
            logger.warning(
                "alerts lost", metadata: ["cause": "\(loss.cause.rawValue)", "resumes_after": "\(loss.resumesAfter)"])
            restart(after: loss.resumesAfter, telling: loss)
            tell(.lost)
            becomeReady(at: loss.resumesAfter, warmAt: head)
        case .away: setBusAway(true)
        case .back: setBusAway(false)
        }
    }

    private func tell(_ notice: ControlNotice) { notices.withLockedValue { $0 }?(notice) }

    private func restart(after position: Position, telling loss: Loss? = nil) {
        for shard in shards {
            shard.eventLoop.execute {
                if let loss { shard.value.submit(.loss(loss)) } else { shard.value.ring.restart(after: position) }
            }
        }
    }

    private func becomeReady(at position: Position, warmAt head: Position) {
        let isNew = status.update { status in
            status.position = position
            guard position >= head && !status.isLeaving && !status.isReady else { return false }
            status.isReady = true
            return true
        }
        guard isNew else { return }
        for shard in shards { shard.eventLoop.execute { shard.value.becomeWarm() } }
    }

    private func setBusAway(_ isAway: Bool) {
        status.update { $0.isBusAway = isAway }
        for shard in shards { shard.eventLoop.execute { shard.value.submit(.busState(isAway: isAway)) } }
    }

    private func reportLoad() async {
        while !Task.isCancelled {
            await report()
            try? await ContinuousClock().sleep(for: Self.reportInterval)
        }
    }

    private func report() async {
        let current = status.current
        let subscription = subscription.withLockedValue { $0 }
        await subscription?.report(VMLoad(sockets: current.sockets, position: current.position))
    }

    private func startTicking() -> [RepeatedTask] {
        shards.map { shard in
            shard.eventLoop.scheduleRepeatedTask(initialDelay: .seconds(1), delay: .seconds(1)) { _ in
                shard.value.tick()
            }
        }
    }
}
