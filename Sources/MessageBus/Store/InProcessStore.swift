import NIOConcurrencyHelpers

/// The store inside one process, for one VM: beside `InProcessBus`, with nothing to install.
///
/// Bounded; overflow policy: what comes on top is refused with `.queueFull`, since what is there was promised its time. An entry ends with its time
/// or with the process.
///
/// A lock guards the entries; what is done under it is short and never waits. A listing copies the keys of its whole collection under it, and
/// puts them in order outside.
public final class InProcessStore: SharedStore {
    /// How much the store holds.
    public struct Capacity: Sendable, Equatable {
        public var entries: Int
        /// Of keys and values together.
        public var bytes: Int

        public init(entries: Int = 1_000_000, bytes: Int = 256 << 20) {
            self.entries = entries
            self.bytes = bytes
        }
    }

    private let state: NIOLockedValueBox<InProcessEntries>
    private let clock: WallClock

    public init(capacity: Capacity = .init(), clock: WallClock = .system) {
        state = NIOLockedValueBox(InProcessEntries(capacity: capacity))
        self.clock = clock
    }

    public func set(_ name: StoreName, _ value: [UInt8], lasting: Duration) async throws(BusError) {
        try StoreLimits.check(value)
        let now = clock.now()
        let expiry = now.advanced(byMilliseconds: StoreLimits.milliseconds(lasting))
        guard state.withLockedValue({ $0.set(name, value, until: expiry, now: now) }) else {
            throw BusError(.queueFull, "the store is full", retryAfter: 5)
        }
    }

    public func value(of name: StoreName) async throws(BusError) -> [UInt8]? {
        let now = clock.now()
        return state.withLockedValue { $0.value(of: name, now: now) }
    }

    public func extend(_ name: StoreName, lasting: Duration) async throws(BusError) -> Bool {
        let now = clock.now()
        let expiry = now.advanced(byMilliseconds: StoreLimits.milliseconds(lasting))
        return state.withLockedValue { $0.extend(name, until: expiry, now: now) }
    }

    public func remove(_ name: StoreName) async throws(BusError) -> Bool {
        let now = clock.now()
        return state.withLockedValue { $0.remove(name, now: now) }
    }

    public func entries(
        of collection: StoreCollection, after name: StoreName?, limit: Int
    ) async throws(BusError) -> [StoreEntry] {
        let limit = StoreLimits.listing(limit)
        guard limit > 0 else { return [] }
        let keys = state.withLockedValue { $0.keys(of: collection, after: name?.key) }.sorted()
        let now = clock.now()
        var entries: [StoreEntry] = []
        var bytes = 0
        for name in keys.lazy.compactMap({ StoreName(collection, $0) }) {
            guard let value = state.withLockedValue({ $0.value(of: name, now: now) }) else { continue }
            bytes += value.count
            guard bytes <= StoreLimits.listedBytes else { throw StoreLimits.listingTooLarge }
            entries.append(StoreEntry(name: name, value: value))
            if entries.count == limit { break }
        }
        return entries
    }
}
