import CoreMetrics
import Synchronization

/// A counter: whole and fractional increments, each in its own atomic, added up when read.
final class CounterSeries: Series, CounterHandler, FloatingPointCounterHandler {
    static let kind = MetricKind.counter

    let identity: SeriesIdentity
    private let whole = Atomic<UInt64>(0)
    private let fractionBits = Atomic<UInt64>(0.0.bitPattern)

    init(_ identity: SeriesIdentity) {
        self.identity = identity
    }

    /// Adds `amount`. A counter only goes up: zero and less change nothing.
    func increment(by amount: Int64) {
        guard amount > 0 else { return }
        whole.wrappingAdd(UInt64(amount), ordering: .relaxed)
    }

    /// Adds `amount`. A counter only goes up: zero, less, and what is not finite change nothing.
    func increment(by amount: Double) {
        guard amount > 0, amount.isFinite else { return }
        var current = fractionBits.load(ordering: .relaxed)
        while true {
            let sum = Double(bitPattern: current) + amount
            let (exchanged, original) = fractionBits.weakCompareExchange(
                expected: current, desired: sum.bitPattern, ordering: .relaxed)
            if exchanged { return }
            current = original
        }
    }

    func reset() {
        whole.store(0, ordering: .relaxed)
        fractionBits.store(0.0.bitPattern, ordering: .relaxed)
    }

    var value: Double {
        Double(whole.load(ordering: .relaxed)) + Double(bitPattern: fractionBits.load(ordering: .relaxed))
    }

    func write(to text: inout TextFormat) {
        text.sample(identity.family, identity.labels, value)
    }
}
