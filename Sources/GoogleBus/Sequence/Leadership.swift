import DequeModule
import MessageBus

/// What the leader of an epoch has to place, and where the next alert stands.
struct Leadership: Sendable {
    /// The next position that is free.
    private(set) var next: Position
    private var queue: Deque<Reference>

    init(of epoch: UInt64, beginningWith waiting: [Reference]) {
        next = Position(epoch: epoch, offset: 1)
        queue = Deque(waiting)
    }

    mutating func add(_ reference: Reference) { queue.append(reference) }

    /// Takes the next alerts to be placed.
    mutating func take() -> Deque<Reference> {
        let taken = Deque(queue.prefix(Placement.limit))
        queue.removeFirst(taken.count)
        return taken
    }

    mutating func advance() { next = next.successor }

    /// Whether the epoch's offsets are used up.
    var isFull: Bool { next.offset > Position.maximumComponent - 2 * UInt64(Placement.limit) }
}
