import DequeModule
import MessageBus

/// The alerts that were raised and have no place yet, in the order in which they were heard.
///
/// Bounded by `capacity` and `bytes`; overflow policy: the oldest are forgotten, and where one is placed after that, that is said as a loss.
struct RaisedAlerts: Sendable {
    static let capacity = 100_000
    static let bytes = 64 << 20

    struct Raised: Sendable {
        let alert: RaisedAlert
        /// When Pub/Sub took it.
        let time: WallTime
    }

    private var alerts: [Reference: Raised] = [:]
    private var order: Deque<Reference> = []
    private var weight = 0

    subscript(reference: Reference) -> Raised? { alerts[reference] }

    /// - Returns: whether it was not there already.
    mutating func add(_ reference: Reference, _ raised: Raised) -> Bool {
        guard alerts[reference] == nil else { return false }
        alerts[reference] = raised
        order.append(reference)
        weight += raised.alert.body.count
        while alerts.count > Self.capacity || weight > Self.bytes, let oldest = order.popFirst() { remove(oldest) }
        // Those that were placed are passed over; they stand at the front, mostly.
        while let first = order.first, alerts[first] == nil { order.removeFirst() }
        return true
    }

    mutating func remove(_ reference: Reference) {
        if let raised = alerts.removeValue(forKey: reference) { weight -= raised.alert.body.count }
    }

    /// Those that wait, in order.
    var waiting: [Reference] { order.filter { alerts[$0] != nil } }

    /// When Pub/Sub took the first of an author's that wait.
    func oldest(of author: String) -> WallTime? {
        order.first { $0.author == author && alerts[$0] != nil }.flatMap { alerts[$0]?.time }
    }

    mutating func removeAll() { self = RaisedAlerts() }
}
