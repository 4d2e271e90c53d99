import DequeModule
import NIOCore

/// The requests that wait for replies on one connection, in order, as a value.
///
/// Bounded by `capacity`; overflow policy: a request that does not fit is refused.
struct PendingReplies<Waiter> {
    enum Arrival {
        /// Nothing was waiting.
        case unexpected
        /// The request at the head waits for more.
        case partial
        case complete(Waiter, [RESPValue])
    }

    private struct Request {
        let waiter: Waiter
        let count: Int
        let deadline: NIODeadline
        var replies: [RESPValue] = []
    }

    private var requests: Deque<Request> = []
    private let capacity: Int

    init(capacity: Int) { self.capacity = capacity }

    /// Whether the request was taken.
    ///
    /// - Parameter count: how many replies it gets, at least 1.
    mutating func add(_ waiter: Waiter, replies count: Int, by deadline: NIODeadline) -> Bool {
        guard requests.count < capacity else { return false }
        requests.append(Request(waiter: waiter, count: count, deadline: deadline))
        return true
    }

    /// Gives a reply to the request at the head.
    mutating func receive(_ reply: RESPValue) -> Arrival {
        guard var request = requests.popFirst() else { return .unexpected }
        request.replies.append(reply)
        if request.replies.count >= request.count { return .complete(request.waiter, request.replies) }
        requests.prepend(request)
        return .partial
    }

    /// When the first request is overdue; `nil` while none waits.
    var deadline: NIODeadline? { requests.lazy.map(\.deadline).min() }

    /// Everyone who waits, in order; nobody waits any more.
    mutating func removeAll() -> [Waiter] {
        defer { requests.removeAll() }
        return requests.map(\.waiter)
    }
}
