/// What `SharedLogBus` needs of a backend that can keep one log for all VMs: the backend's side of the `MessageBus` contract.
///
/// Guarantees that a store gives:
///
/// - **Positions.** Offsets count from 1 inside an epoch, without holes, in the order in which batches were accepted. A position names one alert for
///   ever: wherever the backend may have lost something (another run, a promoted replica, a flushed or restored store), the log goes on
///   in a new epoch that is greater than all that the store or the caller's `seen` knows of.
/// - **Acceptance.** What `append` returned for is in the log as durably as the backend is configured to be.
/// - **Time.** Leases and keys follow the backend's clock, so that VMs need not agree on theirs.
/// - **Bounds.** No method waits for longer than four seconds, `LogFeed.read` excepted; past it the method throws `.unavailable`. A store whose
///   backend was just found to be away throws at once instead of trying again for every caller, and tries again by itself with jitter when it is asked later.
/// - **Isolation.** All methods may be called from any task, concurrently.
public protocol LogStore: Sendable {
    associatedtype Feed: LogFeed

    /// Connects where that is still to be done, creates what is missing, and begins a new epoch where the backend's run is not the one
    /// that the log's current epoch was written in, or where `seen` stands after the log's end.
    ///
    /// - Parameter seen: the greatest position that the caller knows of.
    func open(seen: Position) async throws(BusError) -> LogState

    /// Puts a batch at the log's end, as one step that is done as a whole or not at all, beginning a new epoch first where `open` would.
    ///
    /// A record whose key was accepted on the same topic within five minutes, or whose `healedFrom` is in the log again already, is not put in
    /// a second time; its receipt names the position that it has.
    ///
    /// - Returns: one receipt for each record, in order.
    func append(_ records: [LogRecord], seen: Position) async throws(BusError) -> [Receipt]

    /// How far the log reaches, and where its newest `count` alerts begin.
    func bounds(beforeLast count: Int) async throws(BusError) -> LogBounds

    /// A way to the log for one subscription, which also hears the VM's own channel, `ID_<FLY_ALLOC_ID>`.
    func feed(of vm: VMIdentity) async throws(BusError) -> Feed

    /// Takes the VM's name for this boot, whoever has it, and tells on the VM's own channel that it is taken.
    ///
    /// - Returns: the position that the name's last holder reported; `nil` where nobody had it.
    func join(_ vm: VMIdentity, load: VMLoad) async throws(BusError) -> Position?

    /// Renews the VM's lease. A name that is not in the registry any more is entered again.
    func renew(_ vm: VMIdentity, load: VMLoad) async throws(BusError) -> Renewal

    /// Removes the VM's name where this boot has it.
    func leave(_ vm: VMIdentity) async throws(BusError)

    /// Removes the names whose lease was not renewed for longer than `lease`.
    func reap(lease: Duration) async throws(BusError) -> [SubscriptionName]

    /// Everyone in the registry.
    func members() async throws(BusError) -> LogMembers

    /// Closes the store's connections. Feeds are closed by whoever asked for them.
    func close() async
}

/// One subscription's way to the log, on connections of its own.
public protocol LogFeed: Sendable {
    /// Waits for alerts after `cursor` and reads at most `limit` of them, oldest first. Calls do not overlap.
    ///
    /// Cancelling the waiting task ends the wait with `.nothing` or an error, and the feed stays usable.
    ///
    /// - Throws: `.unavailable` no later than three seconds after `wait` where the backend does not answer, and where the feed is closed.
    func read(after cursor: Position, limit: Int, wait: Duration) async throws(BusError) -> LogReading

    /// Sends a word through the bus to the VM's own channel and waits to hear it: a link that is up and carries nothing does not pass. Where the
    /// feed relies on other pushed words than those of its own channel, those are tried too.
    ///
    /// - Throws: `.unavailable` where it is not heard in time.
    func probe(within bound: Duration) async throws(BusError)

    /// Ends a read that waits, and closes the connections. Repeating it has no effect.
    func close() async
}

/// What a feed finds.
public enum LogReading: Sendable {
    /// The log's next alerts as far as they are held, never empty.
    case alerts([StoredAlert])
    /// Nothing came in time.
    case nothing
    /// Another boot has taken the VM's name.
    case superseded
}

/// What goes into the log.
public struct LogRecord: Sendable {
    public let draft: Draft
    /// Where the alert stood before the backend lost it; `nil` for a new one.
    public let healedFrom: Position?

    public init(_ draft: Draft, healedFrom: Position? = nil) {
        self.draft = draft
        self.healedFrom = healedFrom
    }
}

/// What comes out of the log: bytes that are not looked at yet.
public struct StoredAlert: Sendable {
    public let position: Position
    /// `Draft.encoded`.
    public let body: [UInt8]
    /// `Draft.key`.
    public let key: String?
    public let healedFrom: Position?
    /// At an epoch's first alert: the log's last position before the epoch, `.origin` where nothing is known to have been before.
    public let predecessor: Position?

    public init(
        position: Position, body: [UInt8], key: String? = nil, healedFrom: Position? = nil,
        predecessor: Position? = nil
    ) {
        self.position = position
        self.body = body
        self.key = key
        self.healedFrom = healedFrom
        self.predecessor = predecessor
    }
}

/// Where the log stands.
public struct LogState: Sendable, Equatable {
    /// The log's end; offset 0 where its epoch has no alert yet.
    public var head: Position
    /// The log's last position before the current epoch, `.origin` where nothing is known to have been before.
    public var predecessor: Position

    public init(head: Position, predecessor: Position) {
        self.head = head
        self.predecessor = predecessor
    }
}

/// How far the log reaches.
public struct LogBounds: Sendable, Equatable {
    /// Everything after this is held.
    public var floor: Position
    /// The position before the alerts that were asked for.
    public var start: Position
    /// The newest alert that is held, whichever epoch it is of; where none is, the log's end.
    public var head: Position

    public init(floor: Position, start: Position, head: Position) {
        self.floor = floor
        self.start = start
        self.head = head
    }
}

/// The registry's answer to a VM that renews its lease.
public struct Renewal: Sendable, Equatable {
    /// Whether the name is still this boot's.
    public var isCurrent: Bool
    /// The log's end.
    public var head: Position

    public init(isCurrent: Bool, head: Position) {
        self.isCurrent = isCurrent
        self.head = head
    }
}

/// The registry.
public struct LogMembers: Sendable {
    public struct Member: Sendable {
        public var vm: VMIdentity
        public var load: VMLoad
        public var since: WallTime
        public var seen: WallTime

        public init(vm: VMIdentity, load: VMLoad, since: WallTime, seen: WallTime) {
            self.vm = vm
            self.load = load
            self.since = since
            self.seen = seen
        }
    }

    public var members: [Member]
    /// The log's end.
    public var head: Position

    public init(members: [Member], head: Position) {
        self.members = members
        self.head = head
    }
}
