import Histogram
import NIOConcurrencyHelpers
import NIOCore
import Synchronization

/// What the sockets of a load run have seen. Written on their event loops and read by the generator now and then.
final class LoadTally: Sendable {
    struct Counts: Sendable {
        var subscribed = 0
        var lost = 0
        var doubled = 0
        var closed = 0
        /// The first reasons of closes and refusals.
        var complaints: [String] = []
    }

    private let deliveries = Atomic(0)
    private let counts = NIOLockedValueBox(Counts())
    /// Microseconds, up to a minute.
    private let latencies = NIOLockedValueBox(Histogram<UInt32>(highestTrackableValue: 60_000_000))

    /// Alerts that reached a socket, counted once for each socket.
    var total: Int { deliveries.load(ordering: .relaxed) }

    var current: Counts { counts.withLockedValue { $0 } }

    func takeLatencies() -> Histogram<UInt32> {
        latencies.withLockedValue { latencies in
            let taken = latencies
            latencies.reset()
            return taken
        }
    }

    func subscribed() { counts.withLockedValue { $0.subscribed += 1 } }

    func delivered(_ count: Int) { deliveries.add(count, ordering: .relaxed) }

    func measured(_ latency: TimeAmount) {
        latencies.withLockedValue { _ = $0.record(UInt64(max(0, latency.nanoseconds / 1000))) }
    }

    /// A socket got an offset that does not follow the last.
    func outOfOrder(last: UInt64, next: UInt64) {
        counts.withLockedValue { counts in
            if next > last {
                counts.lost += Int(next - last - 1)
            } else {
                counts.doubled += 1
            }
        }
    }

    func closed(_ reason: String) {
        counts.withLockedValue {
            $0.closed += 1
            if $0.complaints.count < 3 { $0.complaints.append("closed: \(reason)") }
        }
    }

    func refused(_ frame: String) {
        counts.withLockedValue { if $0.complaints.count < 3 { $0.complaints.append("refused: \(frame)") } }
    }
}
