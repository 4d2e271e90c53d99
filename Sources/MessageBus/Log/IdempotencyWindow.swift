import DequeModule

/// The keys of the last five minutes and where their alerts stand.
///
/// Bounded: past `capacity` keys the oldest are forgotten first, so a key may then be taken for new before its time is over.
package struct IdempotencyWindow: Sendable {
    /// How long a key is remembered, in milliseconds.
    package static let lifetime: Int64 = 300_000

    private struct Key: Hashable {
        let topic: Topic
        let key: String
    }

    private var positions: [Key: Position] = [:]
    private var order: Deque<(expiry: WallTime, key: Key)> = []
    private let capacity: Int

    package init(capacity: Int = 1_000_000) { self.capacity = capacity }

    /// Remembers a key unless it is known.
    ///
    /// - Returns: where the key's first alert stands: `position` where the key is new.
    package mutating func remember(_ key: String, on topic: Topic, at position: Position, now: WallTime) -> Position {
        let key = Key(topic: topic, key: key)
        let count = positions.count
        // Looked up and set in one access: the key is hashed once.
        let first = Self.touch(&positions[key, default: position])
        guard positions.count > count else { return first }
        order.append((now.advanced(byMilliseconds: Self.lifetime), key))
        if order.count > capacity { forgetOldest() }
        return position
    }

    /// Reads what is written to by the access itself.
    private static func touch(_ position: inout Position) -> Position { position }

    package mutating func forgetExpired(now: WallTime) {
        while let oldest = order.first, oldest.expiry <= now { forgetOldest() }
    }

    private mutating func forgetOldest() {
        positions[order.removeFirst().key] = nil
    }
}
