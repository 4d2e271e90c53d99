public import CoreMetrics
import NIOConcurrencyHelpers

/// The metrics of a process, made through swift-metrics and read as Prometheus text (exposition format 0.0.4).
///
/// | swift-metrics | Prometheus | name |
/// | --- | --- | --- |
/// | `Counter`, `FloatingPointCounter` | counter | ends in `_total` |
/// | `Gauge`, `Meter`, `Recorder` without aggregation | gauge | as given |
/// | `Recorder` | histogram | as given |
/// | `Timer` | histogram, in seconds | ends in `_seconds` |
///
/// A suffix is added unless the name has it. Characters that a name cannot have become `_`; so `http.requests` is
/// exported as
/// `http_requests_total`. Two metrics with the same name and labels are one.
///
/// A name that is exported as another kind already is not exported again: the second metric works and is not seen, and
/// `prometheus_registry_conflicts_total` counts it.
///
/// Making a metric takes a lock: keep it rather than making it anew for each event. Counting and setting a gauge take
/// no lock; recording into a histogram takes the histogram's own. All methods may be called from any thread.
public final class PrometheusRegistry: Sendable {
    /// The upper bounds of a timer's buckets unless set otherwise, in seconds: 100 µs to 10 s.
    public static let defaultTimerBuckets: [Double] = [
        0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10,
    ]

    /// The upper bounds of a recorder's buckets unless set otherwise: 1 to 100,000, for counts and sizes.
    public static let defaultRecorderBuckets: [Double] = [
        1, 2, 5, 10, 20, 50, 100, 200, 500, 1_000, 2_000, 5_000, 10_000, 20_000, 50_000, 100_000,
    ]

    private static let overflowLabels = Labels([("overflow", "true")])

    private struct State {
        var families: [String: Family] = [:]
        /// Every name that a sample line may have, so that no two families write the same one.
        var sampleNames: Set<String> = []
        var help: [String: String] = [:]
    }

    private let state: NIOLockedValueBox<State>
    private let buckets: [String: [Double]]
    private let seriesLimit: Int
    private let processMetrics: ProcessMetrics?
    private let conflicts = CounterSeries(SeriesIdentity(family: "", labels: Labels([])))

    /// An empty registry.
    ///
    /// - Parameters:
    ///   - buckets: Upper bounds of the buckets of a timer (seconds) or recorder, by the name given to swift-metrics.
    ///     Order and duplicates do not matter; the last bucket, `+Inf`, is always there.
    ///   - seriesLimit: How many label sets one name may have. Those that come later share one series with the label
    ///     `overflow="true"`, and
    ///     `prometheus_registry_overflows_total` counts them by name.
    ///   - processMetrics: Where to read the metrics of the process from at each rendering; `nil` leaves them out.
    public init(
        buckets: [String: [Double]] = [:], seriesLimit: Int = 1_000, processMetrics: ProcessMetrics? = ProcessMetrics()
    ) {
        self.buckets = buckets
        self.seriesLimit = max(seriesLimit, 1)
        self.processMetrics = processMetrics
        var initial = State()
        initial.sampleNames.formUnion([Self.conflictsName, Self.overflowsName])
        if processMetrics != nil { initial.sampleNames.formUnion(ProcessMetrics.names) }
        state = NIOLockedValueBox(initial)
    }

    /// Sets the text of the `# HELP` line of a metric, by the name given to swift-metrics or the exported one.
    public func describe(name: String, help: String) {
        state.withLockedValue { $0.help[MetricName.mapped(name)] = help }
    }

    // MARK: Series

    private func series<S: Series>(
        _ name: String, suffix: String = "", _ dimensions: [(String, String)], bounds: [Double] = [],
        make: (SeriesIdentity, [Double]) -> S
    ) -> S {
        let base = MetricName.mapped(name)
        let exported = base.hasSuffix(suffix) ? base : base + suffix
        let labels = Labels(dimensions, reserved: S.kind.reservedLabel)
        return state.withLockedValue { state in
            if state.families[exported] == nil {
                let sampleNames = S.kind.sampleNames(of: exported)
                if state.sampleNames.isDisjoint(with: sampleNames) {
                    state.sampleNames.formUnion(sampleNames)
                    state.families[exported] = Family(name: exported, base: base, kind: S.kind, bounds: bounds)
                }
            }
            let detached = SeriesIdentity(family: exported, labels: labels)
            guard let family = state.families[exported], family.kind == S.kind else {
                conflicts.increment(by: Int64(1))
                return make(detached, bounds)
            }
            let found = state.families[exported]?.series(labels, limit: seriesLimit, overflow: Self.overflowLabels) {
                make(SeriesIdentity(family: exported, labels: $0), family.bounds)
            }
            return found as? S ?? make(detached, bounds)
        }
    }

    private func release(_ handler: AnyObject) {
        guard let series = handler as? any Series else { return }
        state.withLockedValue { $0.families[series.identity.family]?.release(series) }
    }

    private func bounds(of name: String, default defaultBounds: [Double]) -> [Double] {
        guard let given = buckets[name] else { return defaultBounds }
        return Set(given.filter(\.isFinite)).sorted()
    }
}

// MARK: - Rendering

extension PrometheusRegistry {
    private static let conflictsName = "prometheus_registry_conflicts_total"
    private static let overflowsName = "prometheus_registry_overflows_total"

    /// All metrics in Prometheus text format 0.0.4 (`Content-Type: text/plain; version=0.0.4; charset=utf-8`), ordered
    /// by name and labels.
    public func render() -> [UInt8] {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(16_384)
        render(into: &bytes)
        return bytes
    }

    /// Appends what ``render()`` returns.
    public func render(into bytes: inout [UInt8]) {
        // Families are copied under the lock and written without it: counting goes on meanwhile.
        let (families, help) = state.withLockedValue { ($0.families, $0.help) }
        var samples = families.values.map { family in
            (name: family.name, write: { (text: inout TextFormat) in family.write(to: &text, help: help) })
        }
        samples.append(
            (
                Self.conflictsName,
                { [conflicts] text in
                    text.header(
                        name: Self.conflictsName, type: "counter",
                        help: "Metrics that are not exported because their name is exported as another kind.")
                    text.sample(Self.conflictsName, Labels([]), conflicts.value)
                }
            ))
        let overflows = families.values.filter { $0.overflows > 0 }.sorted { $0.name < $1.name }
        samples.append(
            (
                Self.overflowsName,
                { text in
                    text.header(
                        name: Self.overflowsName, type: "counter",
                        help:
                            "Metrics put into the overflow series because their name has too many label sets."
                    )
                    for family in overflows {
                        text.sample(Self.overflowsName, Labels([("metric", family.name)]), Double(family.overflows))
                    }
                }
            ))
        for sample in processMetrics?.samples() ?? [] {
            samples.append(
                (
                    sample.name,
                    { text in
                        text.header(name: sample.name, type: sample.type, help: sample.help)
                        text.sample(sample.name, Labels([]), sample.value)
                    }
                ))
        }

        var text = TextFormat(bytes: bytes)
        bytes = []
        for sample in samples.sorted(by: { $0.name < $1.name }) { sample.write(&text) }
        bytes = text.bytes
    }
}

// MARK: - MetricsFactory

extension PrometheusRegistry: MetricsFactory {
    public func makeCounter(label: String, dimensions: [(String, String)]) -> any CounterHandler {
        series(label, suffix: "_total", dimensions) { identity, _ in CounterSeries(identity) }
    }

    public func makeFloatingPointCounter(
        label: String, dimensions: [(String, String)]
    ) -> any FloatingPointCounterHandler {
        series(label, suffix: "_total", dimensions) { identity, _ in CounterSeries(identity) }
    }

    public func makeMeter(label: String, dimensions: [(String, String)]) -> any MeterHandler {
        series(label, dimensions) { identity, _ in GaugeSeries(identity) }
    }

    public func makeRecorder(
        label: String, dimensions: [(String, String)], aggregate: Bool
    ) -> any RecorderHandler {
        guard aggregate else { return series(label, dimensions) { identity, _ in GaugeSeries(identity) } }
        let bounds = bounds(of: label, default: Self.defaultRecorderBuckets)
        return series(label, dimensions, bounds: bounds) { HistogramSeries($0, bounds: $1) }
    }

    public func makeTimer(label: String, dimensions: [(String, String)]) -> any TimerHandler {
        let bounds = bounds(of: label, default: Self.defaultTimerBuckets)
        return series(label, suffix: "_seconds", dimensions, bounds: bounds) { HistogramSeries($0, bounds: $1) }
    }

    /// Stops exporting the series once every metric that was made with its name and labels is destroyed.
    public func destroyCounter(_ handler: any CounterHandler) { release(handler) }
    public func destroyFloatingPointCounter(_ handler: any FloatingPointCounterHandler) { release(handler) }
    public func destroyMeter(_ handler: any MeterHandler) { release(handler) }
    public func destroyRecorder(_ handler: any RecorderHandler) { release(handler) }
    public func destroyTimer(_ handler: any TimerHandler) { release(handler) }
}
