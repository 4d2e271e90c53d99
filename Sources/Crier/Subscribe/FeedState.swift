/// What a subscriber knows between lines and between connections: its cursor, how many alerts it still wants, and how
/// long to wait before it comes back. A value: it neither reads nor waits, and randomness is given to it.
struct FeedState: Sendable {
    enum Action: Sendable, Equatable {
        case nothing
        /// Show the alert that was received.
        case deliver
        /// Show it; it is the last one wanted.
        case deliverLast
        /// Tell the user.
        case note(String)
        /// Leave this connection and come back after the time.
        case leave(after: Duration)
    }

    /// The newest id that any event carried.
    private(set) var cursor: AlertID?
    private let initialSince: String?
    private var wanted: Int?
    /// The newest alerts, by which one is known that the bus lost and got back under another id.
    private var seen = RecentIDs()
    private var backoff = Backoff()

    /// - Parameters:
    ///   - since: Where to begin, until an event carries an id.
    ///   - count: How many alerts are wanted; `nil` for no end.
    init(since: String?, count: Int?) {
        initialSince = since
        wanted = count
    }

    /// What to ask the server for on the next connection.
    var since: String? { cursor?.text ?? initialSince }

    mutating func receive(_ event: FeedEvent) -> Action {
        switch event {
        case .open(let id, let vm, let region):
            backoff.reset()
            advance(to: id)
            let place = [region, vm.map { "(\($0))" }].compactMap { $0 }.joined(separator: " ")
            return .note(place.isEmpty ? "connected" : "connected to \(PrintableText.escaped(place))")
        case .message(let alert):
            // The stream is in the order of the log: what is not after the cursor was here before.
            if let cursor, alert.id <= cursor { return .nothing }
            cursor = alert.id
            guard seen.insert(alert.healedFrom ?? alert.id) else { return .nothing }
            guard let wanted else { return .deliver }
            self.wanted = wanted - 1
            return wanted > 1 ? .deliver : .deliverLast
        case .keepalive(let id):
            advance(to: id)
            return .nothing
        case .reset(let id, let reason):
            // Backwards too: a log that began anew may have lower ids.
            if let id { cursor = id }
            return .note("reset (\(PrintableText.escaped(reason))): alerts before this point may be missing")
        case .stale:
            return .note("the server lost its bus: alerts come late")
        case .live:
            return .note("the server has its bus again")
        case .drain(let milliseconds):
            return .leave(after: .milliseconds(min(max(milliseconds, 0), Int(Backoff.cap) * 1_000)))
        case .other:
            return .nothing
        }
    }

    /// How long to wait after a connection was lost or refused for now.
    mutating func waitAfterLoss(retryAfter: Int?, using random: inout some RandomNumberGenerator) -> Duration {
        retryAfter.map { backoff.next(retryAfter: $0, using: &random) } ?? backoff.next(using: &random)
    }

    private mutating func advance(to id: AlertID?) {
        guard let id else { return }
        cursor = cursor.map { max($0, id) } ?? id
    }
}
