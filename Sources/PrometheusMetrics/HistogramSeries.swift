import CoreMetrics
import NIOConcurrencyHelpers

/// Observations counted in buckets. A lock, held for a few additions, keeps buckets, sum and count consistent with each
/// other.
final class HistogramSeries: Series, RecorderHandler, TimerHandler {
    static let kind = MetricKind.histogram

    private struct State {
        /// Observations in each bucket alone; the last is above all bounds.
        var counts: [UInt64]
        var sum = 0.0
    }

    let identity: SeriesIdentity
    /// The inclusive upper bounds, ascending.
    private let bounds: [Double]
    private let state: NIOLockedValueBox<State>

    init(_ identity: SeriesIdentity, bounds: [Double]) {
        self.identity = identity
        self.bounds = bounds
        state = NIOLockedValueBox(State(counts: Array(repeating: 0, count: bounds.count + 1)))
    }

    func record(_ value: Int64) { record(Double(value)) }

    /// Counts one observation. What is not finite is left out: it would spoil the sum for good.
    func record(_ value: Double) {
        guard value.isFinite else { return }
        let bucket = bounds.firstIndex { value <= $0 } ?? bounds.count
        state.withLockedValue { state in
            state.counts[bucket] += 1
            state.sum += value
        }
    }

    /// Counts a duration, in seconds. One below zero, from a clock set back, counts as zero.
    func recordNanoseconds(_ duration: Int64) {
        record(Double(max(duration, 0)) / 1_000_000_000)
    }

    func write(to text: inout TextFormat) {
        let (counts, sum) = state.withLockedValue { ($0.counts, $0.sum) }
        let name = identity.family
        var cumulative: UInt64 = 0
        for (bound, count) in zip(bounds + [.infinity], counts) {
            cumulative += count
            text.sample(name + "_bucket", identity.labels, bound: bound, Double(cumulative))
        }
        text.sample(name + "_sum", identity.labels, sum)
        text.sample(name + "_count", identity.labels, Double(cumulative))
    }
}
