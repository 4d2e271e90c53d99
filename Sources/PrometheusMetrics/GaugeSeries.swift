import CoreMetrics
import Synchronization

/// A value that goes up and down.
final class GaugeSeries: Series, MeterHandler, RecorderHandler {
    static let kind = MetricKind.gauge

    let identity: SeriesIdentity
    private let bits = Atomic<UInt64>(0.0.bitPattern)

    init(_ identity: SeriesIdentity) {
        self.identity = identity
    }

    func set(_ value: Int64) { set(Double(value)) }
    func set(_ value: Double) { bits.store(value.bitPattern, ordering: .relaxed) }

    /// A recorder that does not aggregate keeps the last value.
    func record(_ value: Int64) { set(Double(value)) }
    func record(_ value: Double) { set(value) }

    func increment(by amount: Double) {
        var current = bits.load(ordering: .relaxed)
        while true {
            let sum = Double(bitPattern: current) + amount
            let (exchanged, original) = bits.weakCompareExchange(
                expected: current, desired: sum.bitPattern, ordering: .relaxed)
            if exchanged { return }
            current = original
        }
    }

    func decrement(by amount: Double) { increment(by: -amount) }

    func write(to text: inout TextFormat) {
        text.sample(identity.family, identity.labels, Double(bitPattern: bits.load(ordering: .relaxed)))
    }
}
