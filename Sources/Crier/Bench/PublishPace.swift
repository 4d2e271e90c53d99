import NIOCore

/// When a load run's alerts are published.
enum PublishPace: Equatable {
    /// Whenever fewer than `inFlight` are on their way.
    ///
    /// At most half of them in one go, and the rest when the first reader has the first of these: so the server always has alerts to write
    /// while others are being read. Were all published at once they would be read at once, and the server and this tool would wait for
    /// each other in turns.
    case closed(inFlight: Int, firstOfLast: UInt32)
    /// At so many a second, whatever happens to them. `already` were published since `start`.
    case open(rate: Int, start: NIODeadline, already: Int)

    /// Alerts that one step of the open loop publishes at most.
    private static let burst = 1024

    /// - Returns: when each of the alerts was due that are to be published now.
    mutating func due(_ standing: Ledger.Standing, now: NIODeadline) -> [NIODeadline] {
        switch self {
        case .closed(let inFlight, let firstOfLast):
            guard firstOfLast <= max(standing.finished, standing.sighted) else { return [] }
            let count = min((inFlight + 1) / 2, inFlight - Int(standing.published - standing.finished))
            guard count > 0 else { return [] }
            self = .closed(inFlight: inFlight, firstOfLast: standing.published + 1)
            return Array(repeating: now, count: count)
        case .open(let rate, let start, let already):
            let passed = (now - start).nanoseconds
            let owed = Int(passed / 1_000_000_000) * rate + Int(passed % 1_000_000_000) * rate / 1_000_000_000 + 1
            let count = min(max(0, owed - already), Self.burst)
            self = .open(rate: rate, start: start, already: already + count)
            return (already..<already + count).map { Self.time(of: $0, rate, start) }
        }
    }

    /// When the next alert is due, as far as time alone says so.
    var next: NIODeadline? {
        guard case .open(let rate, let start, let already) = self else { return nil }
        return Self.time(of: already, rate, start)
    }

    private static func time(of index: Int, _ rate: Int, _ start: NIODeadline) -> NIODeadline {
        start + .seconds(Int64(index / rate)) + .nanoseconds(Int64(index % rate) * 1_000_000_000 / Int64(rate))
    }
}
