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
