import DequeModule
import MessageBus

/// Which of the alerts that were lost stand in the log again, and where: every VM that held one puts it back, and the first one counts.
///
/// Bounded by `capacity`; overflow policy: the earliest are forgotten.
struct HealedPositions: Sendable {
    static let capacity = 10_000

    private var positions: [Position: Position] = [:]
    private var order: Deque<Position> = []

    /// Remembers where an alert stands again, unless it did already.
    ///
    /// - Returns: where it stands.
    mutating func remember(_ lost: Position, at position: Position) -> Position {
        if let first = positions[lost] { return first }
        positions[lost] = position
        order.append(lost)
        if order.count > Self.capacity { positions[order.removeFirst()] = nil }
        return position
    }
}
