import Histogram
import NIOCore
import Synchronization

/// What the sockets of one event loop have seen. Written on that loop and read by the generator now and then.
final class LoadTally: Sendable {
    struct Counts: Sendable {
        var subscribed = 0
        var delivered = 0
        var lost = 0
        var doubled = 0
        var closed = 0
        /// The first reasons of closes and refusals.
        var complaints: [String] = []
    }

    private let deliveries = Atomic(0)
    private let counts = Mutex(Counts())
    /// Microseconds, up to a minute.
    private let latencies = Mutex(Histogram<UInt32>(highestTrackableValue: 60_000_000))

    var total: Int { deliveries.load(ordering: .relaxed) }

    var current: Counts {
        var counts = counts.withLock { $0 }
        counts.delivered = total
        return counts
    }

    func takeLatencies() -> Histogram<UInt32> {
        latencies.withLock { latencies in
            let taken = latencies
            latencies.reset()
            return taken
        }
    }

    func subscribed() { counts.withLock { $0.subscribed += 1 } }

    /// - Parameter expected: the number after the last that the socket got; the first one that it gets may be any.
    func delivered(_ number: Int, expected: Int, latency: TimeAmount) {
        deliveries.add(1, ordering: .relaxed)
        if number != expected {
            counts.withLock { number > expected ? ($0.lost += number - expected) : ($0.doubled += 1) }
        }
        // One alert in sixteen is enough for percentiles, and leaves the tool time for its sockets.
        if number & 15 == 0 {
            latencies.withLock { _ = $0.record(UInt64(max(0, latency.nanoseconds / 1000))) }
        }
    }

    func closed(_ reason: String) {
        counts.withLock {
            $0.closed += 1
            if $0.complaints.count < 3 { $0.complaints.append("closed: \(reason)") }
        }
    }

    func refused(_ frame: String) {
        counts.withLock { if $0.complaints.count < 3 { $0.complaints.append("refused: \(frame)") } }
    }
}
