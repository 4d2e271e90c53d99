/// Keeps small values under names for a while, the same for all VMs: what is neither an alert nor one VM's own, such as sign-in sessions and
/// presence.
///
/// The contract, which every backend keeps and `CrierTesting`'s conformance suite checks:
///
/// - **One store.** All who have the same backend and namespace see the same entries, and nobody else does. What a method has returned for is
///   seen by every method that is called after that, on any VM.
/// - **Steps.** What is done to an entry is one step: it is done as a whole or not at all, and of two at once one is the first. So an entry that
///   was removed or has expired is not brought back by whoever extends it.
/// - **Time.** An entry lasts by the store's own clock, so that VMs need not agree on theirs. Once its time is over it is absent everywhere, and
///   its room is given back as others are written.
/// - **Absence.** No method waits for longer than four seconds; while the backend is away, methods throw `.unavailable` with a time to wait,
///   and do again what they are asked once it is back. What threw may have been done; repeating it is harmless.
/// - **Durability.** Entries are as durable as the backend keeps what it accepted; whoever needs one has to be able to do without it.
/// - **Isolation.** All methods may be called from any task or thread, concurrently. Cancelling the task that waits need not end
///   the wait, and takes nothing back.
public protocol SharedStore: Sendable {
    /// Puts a value under a name, in the place of what is there.
    ///
    /// - Parameter lasting: how long the entry lasts, held between a millisecond and `StoreLimits.lifetime`.
    /// - Throws: `.tooLarge` where the value has more than `StoreLimits.value` bytes; `.queueFull` where a store that is bounded is full, and then
    ///   what was there stays.
    func set(_ name: StoreName, _ value: [UInt8], lasting: Duration) async throws(BusError)

    /// The value under a name; `nil` where it is absent or has expired.
    func value(of name: StoreName) async throws(BusError) -> [UInt8]?

    /// Lets an entry last for `lasting` from now. Never shortens the time that it has.
    ///
    /// - Returns: `false` where the entry is absent or has expired, which it then stays.
    func extend(_ name: StoreName, lasting: Duration) async throws(BusError) -> Bool

    /// Removes an entry.
    ///
    /// - Returns: whether it was there and had not expired.
    func remove(_ name: StoreName) async throws(BusError) -> Bool

    /// The entries of a collection, in the order of their keys. One that is set or removed meanwhile may be among them or not.
    ///
    /// - Parameters:
    ///   - name: where to go on: only entries whose keys come after this one's are listed. `nil` begins with the first.
    ///   - limit: how many at most, held between none and `StoreLimits.listedEntries`. Fewer come only where there are no more.
    /// - Throws: `.tooLarge` where the values have more than `StoreLimits.listedBytes` bytes together: list fewer at once.
    func entries(
        of collection: StoreCollection, after name: StoreName?, limit: Int
    ) async throws(BusError) -> [StoreEntry]
}

extension SharedStore {
    /// The first entries of a collection, in the order of their keys.
    public func entries(of collection: StoreCollection, limit: Int) async throws(BusError) -> [StoreEntry] {
        try await entries(of: collection, after: nil, limit: limit)
    }
}
