import Logging
import MessageBus

/// This VM's copy of the log, which it reads from the topic by its own subscription, and its voice on the topic.
///
/// Isolation: an actor. One task reads the topic, one publishes; methods only say words and wait for them to come back.
actor Replica {
    enum Condition {
        /// Not yet live, or not any more.
        case away(BusError)
        /// Reads the topic, and knows where the log stands.
        case live
        /// A newer boot has taken the VM's name.
        case superseded
        case closed
    }

    nonisolated let vm: VMIdentity
    nonisolated let timing: ReplicaTiming
    nonisolated let logger: Logger
    let service: any TopicService
    let clock: WallClock

    var condition: Condition
    var log: TopicLog
    var registry = Registry()
    var outbox: Outbox
    var echoes = Echoes()
    /// Whether the subscription was read up to this VM's own beginning.
    var hasJoined = false
    /// Whether the VM's subscription is about to be deleted: nothing more is taken in.
    var isLeaving = false
    /// Whether this boot has been heard to take the VM's name.
    var hasTakenName = false
    /// Why the subscription is of no use any more: it is gone, or the topic that it belonged to.
    var subscriptionLoss: PubSubError?
    /// Whether a new subscription gets what was said before it.
    var retains = false
    /// How often the topic is read once more because something did not come; after that it is passed over.
    var rereadings = Allowance(3, within: .seconds(60))
    /// When this process was last seen to go on.
    var lastTick = ContinuousClock.now
    /// When a word of this VM last came back.
    var lastEcho: ContinuousClock.Instant?
    /// What was last said of names with their leases, and when.
    var leases: [SubscriptionName: (place: Place, said: ContinuousClock.Instant)] = [:]
    /// Whether there was a subscription before: another boot's is then a successor's.
    var hasBegun = false
    /// When the last word of Pub/Sub's clock came.
    var lastHeard: (time: WallTime, at: ContinuousClock.Instant)?
    /// When somebody last said where the log stands, since this VM began to listen.
    var lastStanding: ContinuousClock.Instant?
    /// When this VM last said something.
    var lastSaid = ContinuousClock.now
    /// When others have last been heard, by boot id and Pub/Sub's clock. Those that have left are not among them.
    var voices = Voices()
    /// Tells what is said of names a second time.
    var registryWords = Authors()
    /// Since when nobody leads; `nil` while somebody does.
    var leaderless: ContinuousClock.Instant?
    /// When a VM last said that it wants to lead, by Pub/Sub's clock.
    var lastClaim: WallTime?
    var lastSweep = ContinuousClock.now
    /// Subscriptions that had no VM at the last sweep.
    var suspects: Set<String> = []
    private var news = Pending<Void>()
    var outboxNews = Pending<Void>()
    private var worker: Task<Void, Never>?

    init(
        _ service: any TopicService, vm: VMIdentity, retention: Retention, timing: ReplicaTiming = ReplicaTiming(),
        clock: WallClock = .system, logger: Logger
    ) {
        self.service = service
        self.vm = vm
        self.timing = timing
        self.clock = clock
        self.logger = logger
        condition = .away(Self.beginning)
        log = TopicLog(boot: vm.boot, retention: retention)
        outbox = Outbox(author: vm.boot)
    }

    static let beginning = BusError(.unavailable, "the topic's last ten minutes are still being read", retryAfter: 1)
    static let gone = BusError(.closed, "the VM has left the bus", retryAfter: 1)
    static let superseded = BusError(.closed, "a newer boot of this VM has taken its name")

    /// The name of this VM's subscription.
    nonisolated var name: String { vm.subscription.name }

    /// Something has changed for those who wait.
    func tell() {
        news.resolve(())
        news = Pending()
    }

    /// Waits until something has changed.
    func change(until deadline: ContinuousClock.Instant) async { _ = await news.value(until: deadline) }

    /// Reads the topic from now on, where that is not so yet, and waits until it is known where the log stands.
    func open() async throws(BusError) -> LogState {
        if worker == nil { worker = Task { await self.work() } }
        let deadline = ContinuousClock.now + timing.patience
        while true {
            switch condition {
            case .live: if let state = log.state { return state }
            case .superseded: throw Self.superseded
            case .closed: throw Self.gone
            case .away: break
            }
            if .now >= deadline || Task.isCancelled { break }
            await change(until: deadline)
        }
        if case .away(let error) = condition { throw error }
        throw Self.beginning
    }

    /// - Throws: why the log is not read now.
    func requireLive() throws(BusError) {
        switch condition {
        case .live: break
        case .away(let error): throw error
        case .superseded: throw Self.superseded
        case .closed: throw Self.gone
        }
    }

    /// The time by Pub/Sub's clock, nearly; it stands still where nothing is heard, so that nobody is taken for silent by one who does not listen.
    var pubSubTime: WallTime {
        guard let lastHeard else { return clock.now() }
        let elapsed = min(ContinuousClock.now - lastHeard.at, timing.speaking)
        return lastHeard.time.advanced(byMilliseconds: elapsed.milliseconds)
    }

    /// Whether the process has not gone on for so long that others may take it for gone.
    var hasStoodStill: Bool { .now - lastTick > timing.standstill }

    /// Ends for good. Waiting methods end with an error.
    func close() async {
        if !isOver {
            condition = .closed
            end()
        }
        await service.shutdown()
    }

    /// A newer boot has the name: nothing of what this one does has an effect any more.
    func yield() {
        guard !isOver else { return }
        logger.notice("a newer boot took the subscription over", metadata: ["subscription": "\(name)"])
        condition = .superseded
        end()
    }

    var isOver: Bool {
        switch condition {
        case .superseded, .closed: true
        case .live, .away: false
        }
    }

    private func end() {
        worker?.cancel()
        outboxNews.resolve(())
        tell()
    }
}

// How the replica fares.
extension Replica {
    /// The topic carries words to this VM and from it, and it is known where the log stands.
    func becomeLive() {
        guard case .away = condition, hasJoined, log.state != nil else { return }
        condition = .live
        tell()
    }

    func fail(_ error: PubSubError) { fail(BusError(error)) }

    func fail(_ error: BusError) {
        guard !isOver else { return }
        condition = .away(error)
        tell()
    }
}
