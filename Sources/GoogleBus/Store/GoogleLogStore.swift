public import MessageBus

/// The log as this VM's replica reads it from a topic of Google Cloud Pub/Sub.
///
/// - **Durability.** An alert that was accepted is on the topic, which Google keeps in several zones; every VM that listens gets it. The topic and
///   each VM retain ten minutes or what the VM's ring holds: past that a cursor gets a reset.
/// - **Acceptance.** `append` returns once the alerts have come back to this VM, which is when their positions are known.
/// - **Time.** Leases and keys follow Pub/Sub's clock.
public final class GoogleLogStore: LogStore {
    let replica: Replica

    init(_ replica: Replica) { self.replica = replica }

    /// The replica follows the topic from here on. `seen` is what this process has seen by the same replica, so it says nothing new.
    public func open(seen: Position) async throws(BusError) -> LogState { try await replica.open() }

    public func append(_ records: [LogRecord], seen: Position) async throws(BusError) -> [Receipt] {
        guard !records.isEmpty else { return [] }
        _ = try await replica.open()
        return try await replica.append(
            records.map {
                RaisedAlert(
                    topic: $0.draft.topic, key: $0.draft.key, healedFrom: $0.healedFrom, body: $0.draft.encoded)
            })
    }

    public func bounds(beforeLast count: Int) async throws(BusError) -> LogBounds {
        try await replica.bounds(beforeLast: count)
    }

    public func feed(of vm: VMIdentity) async throws(BusError) -> GoogleLogFeed {
        _ = try await replica.open()
        return GoogleLogFeed(replica, vm: vm)
    }

    public func close() async { await replica.close() }
}

// The registry.
extension GoogleLogStore {
    public func join(_ vm: VMIdentity, load: VMLoad) async throws(BusError) -> Position? {
        try await replica.join(Place(vm: vm, load: load))
    }

    public func renew(_ vm: VMIdentity, load: VMLoad) async throws(BusError) -> Renewal {
        try await replica.renew(Place(vm: vm, load: load))
    }

    public func leave(_ vm: VMIdentity) async throws(BusError) { try await replica.leave(vm) }

    public func reap(lease: Duration) async throws(BusError) -> [SubscriptionName] {
        await replica.reap(lease: lease)
    }

    public func members() async throws(BusError) -> LogMembers { try await replica.members() }
}
