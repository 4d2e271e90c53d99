import DequeModule

/// The keys of the last five minutes and where their alerts stand.
///
/// Bounded: past `capacity` keys the oldest are forgotten first, so a key may then be taken for new before its time is over.
struct IdempotencyWindow: Sendable {
    /// How long a key is remembered, in milliseconds.
    static let lifetime: Int64 = 300_000

    private struct Key: Hashable {
        let topic: Topic
        let key: String
    }

    private var positions: [Key: Position] = [:]
    private var order: Deque<(expiry: WallTime, key: Key)> = []
    private let capacity: Int

    init(capacity: Int = 1_000_000) { self.capacity = capacity }

    func position(of key: String, on topic: Topic) -> Position? { positions[Key(topic: topic, key: key)] }

    mutating func remember(_ key: String, on topic: Topic, at position: Position, now: WallTime) {
        let key = Key(topic: topic, key: key)
        positions[key] = position
        order.append((now.advanced(byMilliseconds: Self.lifetime), key))
        if order.count > capacity { forgetOldest() }
    }

    mutating func forgetExpired(now: WallTime) {
        while let oldest = order.first, oldest.expiry <= now { forgetOldest() }
    }

    private mutating func forgetOldest() {
        positions[order.removeFirst().key] = nil
    }
}
