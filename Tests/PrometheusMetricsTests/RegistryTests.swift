import CoreMetrics
import PrometheusMetrics
import Testing

/// The lines of a rendering without process metrics and without the registry's own.
func lines(_ registry: PrometheusRegistry) -> [String] {
    String(decoding: registry.render(), as: UTF8.self).split(separator: "\n").map(String.init)
        .filter { !$0.contains("prometheus_registry_") }
}

struct RegistryTests {
    let registry = PrometheusRegistry(buckets: ["wait": [1, 0.1, .infinity, 0.1]], processMetrics: nil)

    @Test func eachKindOfMetricIsWrittenInItsFormat() {
        registry.describe(name: "alerts", help: "Alerts that were\nraised, by \\region.")
        registry.describe(name: "wait_seconds", help: "Waiting.")
        Counter(label: "alerts", dimensions: [("region", "syd"), ("kind", "a")], factory: registry).increment(by: 3)
        Counter(label: "alerts", dimensions: [("region", "fra")], factory: registry).increment()
        FloatingPointCounter(label: "cost", factory: registry).increment(by: 0.25)
        FloatingPointCounter(label: "cost", factory: registry).increment(by: 2)
        Gauge(label: "sockets", factory: registry).record(12)
        let meter = Meter(label: "depth", factory: registry)
        meter.increment(by: 2.5)
        meter.decrement(by: 1)
        let timer = Timer(label: "wait", factory: registry)
        timer.recordNanoseconds(100_000_000)
        timer.recordMilliseconds(500)
        timer.recordSeconds(3)
        timer.recordNanoseconds(-5)
        #expect(
            lines(registry) == [
                #"# HELP alerts_total Alerts that were\nraised, by \\region."#,
                "# TYPE alerts_total counter",
                #"alerts_total{kind="a",region="syd"} 3"#,
                #"alerts_total{region="fra"} 1"#,
                "# TYPE cost_total counter",
                "cost_total 2.25",
                "# TYPE depth gauge",
                "depth 1.5",
                "# TYPE sockets gauge",
                "sockets 12",
                "# HELP wait_seconds Waiting.",
                "# TYPE wait_seconds histogram",
                #"wait_seconds_bucket{le="0.1"} 2"#,
                #"wait_seconds_bucket{le="1"} 3"#,
                #"wait_seconds_bucket{le="+Inf"} 4"#,
                "wait_seconds_sum 3.6",
                "wait_seconds_count 4",
            ])
    }

    @Test func everyLineEndsAndNothingElseIsWritten() {
        Counter(label: "a", dimensions: [("l", "x\r\u{1}é")], factory: registry).increment()
        var bytes = Array("before".utf8)
        registry.render(into: &bytes)
        #expect(bytes.starts(with: Array("before# TYPE a_total counter\na_total{l=\"x\r\u{1}é\"} 1\n".utf8)))
        #expect(bytes.last == UInt8(ascii: "\n"))
        #expect(registry.render() == registry.render())
    }

    @Test func bucketsAreCumulativeAndInclusiveAndKeepTheirLabels() {
        let registry = PrometheusRegistry(buckets: ["size": [10, 1]], processMetrics: nil)
        let recorder = Recorder(label: "size", dimensions: [("topic", "a"), ("le", "mine")], factory: registry)
        for value in [0, 1, 2, 10, 11, -3] { recorder.record(value) }
        recorder.record(Double.nan)
        recorder.record(Double.infinity)
        #expect(
            lines(registry) == [
                "# TYPE size histogram",
                #"size_bucket{exported_le="mine",topic="a",le="1"} 3"#,
                #"size_bucket{exported_le="mine",topic="a",le="10"} 5"#,
                #"size_bucket{exported_le="mine",topic="a",le="+Inf"} 6"#,
                #"size_sum{exported_le="mine",topic="a"} 21"#,
                #"size_count{exported_le="mine",topic="a"} 6"#,
            ])
    }

    @Test func defaultBucketsAscendAndEndInInfinity() {
        Timer(label: "t", factory: registry).recordNanoseconds(250_000)
        let bounds = lines(registry).filter { $0.contains("_bucket") }
        #expect(bounds.count == PrometheusRegistry.defaultTimerBuckets.count + 1)
        #expect(bounds.prefix(2) == [#"t_seconds_bucket{le="0.0001"} 0"#, #"t_seconds_bucket{le="0.00025"} 1"#])
        #expect(bounds.last == #"t_seconds_bucket{le="+Inf"} 1"#)
        #expect(PrometheusRegistry.defaultTimerBuckets == PrometheusRegistry.defaultTimerBuckets.sorted())
        #expect(PrometheusRegistry.defaultRecorderBuckets == PrometheusRegistry.defaultRecorderBuckets.sorted())
    }

    @Test func labelValuesAreEscapedAndNamesMapped() {
        Counter(
            label: "http.requests-in total", dimensions: [("9 path:x", "a\\b\"c\nd"), ("", "e")], factory: registry
        ).increment()
        Gauge(label: "9é", dimensions: [("a-b", "first"), ("a.b", "second")], factory: registry).record(1)
        #expect(
            lines(registry) == [
                "# TYPE _9_ gauge",
                #"_9_{a_b="first"} 1"#,
                "# TYPE http_requests_in_total counter",
                #"http_requests_in_total{_="e",_9_path_x="a\\b\"c\nd"} 1"#,
            ])
    }

    @Test func theOrderOfLabelsMakesNoDifference() {
        Counter(label: "n", dimensions: [("a", "1"), ("b", "2")], factory: registry).increment()
        Counter(label: "n", dimensions: [("b", "2"), ("a", "1")], factory: registry).increment()
        #expect(lines(registry).last == #"n_total{a="1",b="2"} 2"#)
    }

    @Test func countersOnlyGoUp() {
        let counter = registry.makeCounter(label: "n", dimensions: [])
        counter.increment(by: 5)
        counter.increment(by: -3)
        counter.increment(by: 0)
        let fraction = registry.makeFloatingPointCounter(label: "n", dimensions: [])
        fraction.increment(by: -1.5)
        fraction.increment(by: .nan)
        fraction.increment(by: .infinity)
        #expect(lines(registry).last == "n_total 5")
        counter.reset()
        #expect(lines(registry).last == "n_total 0")
    }

    @Test func gaugesCanHoldAnyDouble() {
        for (value, text) in [
            (Double.nan, "NaN"), (.infinity, "+Inf"), (-.infinity, "-Inf"), (1e300, "1e+300"), (-0.5, "-0.5"),
        ] {
            registry.makeMeter(label: "g", dimensions: []).set(value)
            #expect(lines(registry).last == "g \(text)")
        }
    }

    @Test func aSeriesGoesWithItsLastUser() {
        let first = Counter(label: "n", dimensions: [("a", "1")], factory: registry)
        let second = Counter(label: "n", dimensions: [("a", "1")], factory: registry)
        let other = Counter(label: "n", dimensions: [("a", "2")], factory: registry)
        first.increment()
        first.destroy()
        #expect(lines(registry).contains(#"n_total{a="1"} 1"#))
        second.destroy()
        #expect(lines(registry) == ["# TYPE n_total counter", #"n_total{a="2"} 0"#])
        other.destroy()
        #expect(lines(registry).isEmpty)
    }
}

struct BoundsTests {
    @Test func labelSetsBeyondTheCapShareOneSeriesAndAreCounted() {
        let registry = PrometheusRegistry(seriesLimit: 3, processMetrics: nil)
        for number in 0..<10 {
            Counter(label: "n", dimensions: [("id", String(number))], factory: registry).increment()
        }
        Counter(label: "n", dimensions: [("id", "1")], factory: registry).increment()
        #expect(
            lines(registry) == [
                "# TYPE n_total counter", #"n_total{id="0"} 1"#, #"n_total{id="1"} 2"#, #"n_total{id="2"} 1"#,
                #"n_total{overflow="true"} 7"#,
            ])
        let text = String(decoding: registry.render(), as: UTF8.self)
        #expect(text.contains("\nprometheus_registry_overflows_total{metric=\"n_total\"} 7\n"))
        #expect(text.contains("\nprometheus_registry_conflicts_total 0\n"))
    }

    @Test(arguments: [("a", "a_count"), ("a_seconds", "a_seconds"), ("b", "prometheus_registry_conflicts_total")])
    func aNameOfAnotherKindIsCountedAndNotExported(timer: String, gauge: String) {
        let registry = PrometheusRegistry(processMetrics: nil)
        Recorder(label: timer, factory: registry).record(1)
        Gauge(label: gauge, factory: registry).record(7)
        let text = String(decoding: registry.render(), as: UTF8.self)
        #expect(!text.contains(" 7\n"))
        #expect(!text.contains(" gauge\n"))
        #expect(text.contains("\nprometheus_registry_conflicts_total 1\n"))
    }

    @Test func concurrentIncrementsAllCount() async {
        let registry = PrometheusRegistry(buckets: ["t": [0.5]], processMetrics: nil)
        await withTaskGroup(of: Void.self) { group in
            for task in 0..<8 {
                group.addTask {
                    let counter = Counter(label: "n", factory: registry)
                    let fraction = FloatingPointCounter(label: "f", factory: registry)
                    let meter = Meter(label: "m", factory: registry)
                    let timer = Timer(label: "t", factory: registry)
                    for step in 0..<5_000 {
                        counter.increment()
                        fraction.increment(by: 0.5)
                        meter.increment(by: 2)
                        timer.recordMilliseconds(step.isMultiple(of: 2) ? 250 : 750)
                        if step == task * 500 { _ = registry.render() }
                    }
                }
            }
        }
        let text = lines(registry)
        #expect(text.contains("n_total 40000"))
        #expect(text.contains("f_total 20000"))
        #expect(text.contains("m 80000"))
        #expect(text.contains(#"t_seconds_bucket{le="0.5"} 20000"#))
        #expect(text.contains(#"t_seconds_bucket{le="+Inf"} 40000"#))
        #expect(text.contains("t_seconds_sum 20000"))
    }
}
