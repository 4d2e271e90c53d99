import MessageBus
import NIOConcurrencyHelpers

/// A store that counts what it is asked, and that the test takes away.
final class TestStore: SharedStore {
    struct Asked: Sendable {
        var sets = 0
        var extensions = 0
        var listings = 0
        var removals = 0
        /// What was asked in vain.
        var failures = 0
    }

    private struct State {
        var isAway = false
        var asked = Asked()
    }

    private let store: any SharedStore
    private let state = NIOLockedValueBox(State())

    /// - Parameter store: what several of these share, each taken away for itself.
    init(_ store: any SharedStore) { self.store = store }

    var asked: Asked { state.withLockedValue { $0.asked } }
    func setAway(_ isAway: Bool) { state.withLockedValue { $0.isAway = isAway } }

    func set(_ name: StoreName, _ value: [UInt8], lasting: Duration) async throws(BusError) {
        try count(\.sets)
        try await store.set(name, value, lasting: lasting)
    }

    func value(of name: StoreName) async throws(BusError) -> [UInt8]? { try await store.value(of: name) }

    func extend(_ name: StoreName, lasting: Duration) async throws(BusError) -> Bool {
        try count(\.extensions)
        return try await store.extend(name, lasting: lasting)
    }

    func remove(_ name: StoreName) async throws(BusError) -> Bool {
        let isAway = state.withLockedValue { state in
            state.asked.removals += 1
            return state.isAway
        }
        if isAway { throw BusError(.unavailable, "the store is away", retryAfter: 1) }
        return try await store.remove(name)
    }

    func entries(
        of collection: StoreCollection, after name: StoreName?, limit: Int
    ) async throws(BusError) -> [StoreEntry] {
        try count(\.listings)
        return try await store.entries(of: collection, after: name, limit: limit)
    }

    private func count(_ kind: WritableKeyPath<Asked, Int>) throws(BusError) {
        let isAway = state.withLockedValue { state in
            if state.isAway { state.asked.failures += 1 } else { state.asked[keyPath: kind] += 1 }
            return state.isAway
        }
        if isAway { throw BusError(.unavailable, "the store is away", retryAfter: 1) }
    }
}
