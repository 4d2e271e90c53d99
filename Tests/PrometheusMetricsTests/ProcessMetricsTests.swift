import CoreMetrics
import Testing

@testable import PrometheusMetrics

struct ProcessMetricsTests {
    @Test func statusIsReadPastAnyCommandName() throws {
        let fields = "S 1 2 3 0 -1 4194560 900 0 0 0 150 50 0 0 20 0 4 0 12345 1048576 300 18446744073709551615 1 1"
        let status = try #require(ProcessMetrics.Status(stat: "42 (a) b (c) \(fields)\n"))
        #expect(status.processorTicks == 200)
        #expect(status.startTicks == 12345)
        #expect(status.virtualBytes == 1_048_576)
        #expect(status.residentPages == 300)
    }

    @Test(arguments: ["", "42 (a", "42 (a) S 1 2", "42 (a) S 1 2 3 0 -1 4194560 900 0 0 0 x 50 0 0 20 0 4 0 1 1 1"])
    func textsOfAnotherFormAreNoStatus(text: String) {
        #expect(ProcessMetrics.Status(stat: text) == nil)
    }

    @Test func bootTimeIsFoundByItsLine() {
        #expect(ProcessMetrics.bootTime(stat: "cpu 1 2\nintr btime 3\nbtime 1763717771\nx 1\n") == 1_763_717_771)
        #expect(ProcessMetrics.bootTime(stat: "cpu 1 2\n") == nil)
    }

    #if os(Linux)
        @Test func thisProcessHasPlausibleValues() throws {
            let samples = ProcessMetrics().samples()
            let values = Dictionary(uniqueKeysWithValues: samples.map { ($0.name, $0.value) })
            #expect(Set(values.keys) == ProcessMetrics.names)
            #expect(try #require(values["process_resident_memory_bytes"]) > 1_000_000)
            #expect(try #require(values["process_open_fds"]) >= 3)
            #expect(try #require(values["process_max_fds"]) >= #require(values["process_open_fds"]))
            // After 2020 and before 2100.
            #expect((1_577_836_800...4_102_444_800).contains(try #require(values["process_start_time_seconds"])))
            let before = try #require(values["process_cpu_seconds_total"])
            let later = ProcessMetrics().samples().first { $0.name == "process_cpu_seconds_total" }
            #expect(try #require(later).value >= before)
        }

        @Test func renderingIncludesTheProcessInOrder() {
            let registry = PrometheusRegistry()
            Gauge(label: "zebras", factory: registry).record(1)
            Gauge(label: "apples", factory: registry).record(1)
            Gauge(label: "process_open_fds", factory: registry).record(-1)
            let types = lines(registry).filter { $0.hasPrefix("# TYPE ") }
                .map { $0.split(separator: " ").dropFirst(2).joined(separator: " ") }
            #expect(
                types == [
                    "apples gauge", "process_cpu_seconds_total counter", "process_max_fds gauge",
                    "process_open_fds gauge",
                    "process_resident_memory_bytes gauge", "process_start_time_seconds gauge",
                    "process_virtual_memory_bytes gauge", "zebras gauge",
                ])
            #expect(!lines(registry).contains("process_open_fds -1"))
        }
    #endif
}
