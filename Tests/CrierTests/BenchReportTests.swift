import ArgumentParser
import NIOCore
import StrictJSON
import Testing

@testable import Crier

struct BenchReportTests {
    private func report(
        counts: ReaderCounts = ReaderCounts(), missing: Int = 0, serverCPU: Double? = 0.5,
        toolShares: [Double] = [0.4, 0.6], idleBytes: Double? = 1234.4
    ) -> LoadReport {
        var latencies = Latencies()
        for milliseconds: Int64 in 1...1000 { latencies.record(nanoseconds: milliseconds * 1_000_000) }
        return LoadReport(
            plan: LoadPlan(
                servers: [.local], form: .sse, sockets: 1000, connectionsAtOnce: 256, threads: 2, inFlight: 8,
                rate: nil, payload: 100, seconds: 2, topic: "bench"),
            counts: counts, missing: missing, published: 1500, deliveries: 1_000_000, reads: 250_000, elapsed: 2,
            connecting: 0.1, serverCPU: serverCPU, toolShares: toolShares, idleBytes: idleBytes, latencies: latencies)
    }

    @Test func theTextSaysWhatWasMeasured() {
        let lines = report().text.split(separator: "\n").map(String.init)
        #expect(
            lines == [
                "sockets          1000 (sse), opened in 0.1 s: 10000/s",
                "server memory    1234 bytes of RSS an idle socket",
                "deliveries       1000000 in 2.0 s: 500000/s",
                "joined           4.0 alerts a read",
                "server CPU       0.5 µs a delivery (25 % of a core)",
                "latency          p50 500.223 ms, p90 900.095 ms, p99 990.207 ms, p99.9 999.423 ms, max 1000.0 ms",
                "this tool        50 % of its threads' time, the busiest 60 %",
                "lost 0, duplicated 0, reordered 0, closed 0",
            ])
    }

    @Test func theTextSaysWhenTheToolWasTheBottleneck() {
        #expect(!report(toolShares: [0.2, 0.9]).text.contains("bottleneck"))
        let text = report(toolShares: [0.2, 0.93]).text
        #expect(text.contains("this tool was the bottleneck: its busiest thread was at work 93 %"))
    }

    @Test func theTextSaysWhyConnectionsClosed() {
        let counts = ReaderCounts(closed: 4, complaints: ["the server closed it with 4008\u{1b}[2J"])
        #expect(report(counts: counts).text.hasSuffix("closed 4\nclosed: the server closed it with 4008\\u{1b}[2J"))
    }

    @Test func aServerThatTellsNothingOfItselfIsMeasuredAllTheSame() throws {
        let report = report(serverCPU: nil, idleBytes: nil)
        #expect(report.text.contains("server CPU       not told\n"))
        #expect(report.text.contains("server memory    not told\n"))
        let json = try #require(try JSONValue.parse(Array(report.json.utf8)).objectValue)
        for key in ["idle_socket_bytes", "server_cpu_us_per_delivery", "server_cpu_share", "rate"] {
            #expect(json[key] == .null, "\(key)")
        }
    }

    @Test func theJSONHasEveryFigure() throws {
        let counts = ReaderCounts(lost: 2, duplicated: 3, reordered: 4, closed: 5)
        let json = try #require(
            try JSONValue.parse(Array(report(counts: counts, missing: 10).json.utf8)).objectValue)
        let integers = [
            "sockets": 1000, "threads": 2, "in_flight": 8, "payload": 100, "published": 1500, "delivered": 1_000_000,
            "lost": 12, "doubled": 3, "reordered": 4, "closed": 5, "idle_socket_bytes": 1234,
            "deliveries_per_second": 500_000, "connects_per_second": 10_000, "seconds": 2, "alerts_per_read": 4,
        ]
        for (key, value) in integers { #expect(json[key]?.intValue == value, "\(key)") }
        #expect(json["form"]?.stringValue == "sse" && json["topic"]?.stringValue == "bench")
        #expect(json["tool_is_bottleneck"] == .bool(false))
        for key in [
            "connect_seconds", "server_cpu_us_per_delivery", "server_cpu_share", "tool_cpu_share",
            "tool_busiest_thread_share", "latency_ms_p50", "latency_ms_p90", "latency_ms_p99", "latency_ms_p999",
            "latency_ms_max",
        ] {
            guard case .number? = json[key] else {
                Issue.record("\(key) is \(String(describing: json[key]))")
                continue
            }
        }
    }

    @Test func anythingThatWentWrongMakesTheRunWrong() {
        #expect(report().isCorrect)
        #expect(!report(missing: 1).isCorrect)
        for counts in [
            ReaderCounts(lost: 1), ReaderCounts(duplicated: 1), ReaderCounts(reordered: 1), ReaderCounts(closed: 1),
        ] {
            #expect(!report(counts: counts).isCorrect)
        }
    }

    @Test func countsAndLatenciesOfLoopsAddUp() {
        var sum = ReaderCounts(deliveries: 1, complaints: ["a", "b"])
        sum.add(ReaderCounts(opened: 2, deliveries: 3, reads: 4, lost: 5, closed: 6, complaints: ["c", "d"]))
        #expect(sum.opened == 2 && sum.deliveries == 4 && sum.reads == 4 && sum.lost == 5 && sum.closed == 6)
        #expect(sum.complaints == ["a", "b", "c"])
        var (one, other) = (Latencies(), Latencies())
        one.record(nanoseconds: 1_000_000)
        other.record(nanoseconds: 3_600_000_000_000)
        one.add(other)
        #expect(one.percentile(50) == 1)
        #expect(one.percentile(100) > 59_000 && one.percentile(100) < 61_000)
        one.reset()
        #expect(one.percentile(100) == 0)
    }

    @Test func theServersProcessIsReadFromItsMetrics() {
        let page =
            "# HELP x y\nprocess_cpu_seconds_total 1.5\nprocess_resident_memory_bytes 2048\nprocess_cpu_seconds 9\n"
        #expect(ServerProbe.usage(from: page) == ServerProbe.Usage(cpuSeconds: 1.5, residentBytes: 2048))
        #expect(ServerProbe.usage(from: "<html>") == nil)
    }

    @Test func anAddressIsTakenApart() throws {
        for (text, host, port, prefix) in [
            ("http://localhost", "localhost", 80, ""), ("http://[::1]:8080/a/b/", "::1", 8080, "/a/b"),
            ("http://[::1]", "::1", 80, ""), ("http://a.example:99", "a.example", 99, ""),
        ] {
            let server = LoadServer(try #require(ServerURL(argument: text)))
            #expect((server.host, server.port, server.prefix) == (host, port, prefix), "\(text)")
        }
        let server = LoadServer(try #require(ServerURL(argument: "http://h:1/p")))
        let request = String(buffer: server.request("/t/ws", form: .ws))
        #expect(request.hasPrefix("GET /p/t/ws HTTP/1.1\r\nHost: h:1\r\n") && request.hasSuffix("\r\n\r\n"))
    }

    @Test func theOptionsHaveBounds() {
        for arguments in [
            ["--form", "poll"], ["--sockets", "0"], ["--connections-at-once", "0"], ["--in-flight", "5000"],
            ["--rate", "0"], ["--payload", "10"], ["--threads", "65"], ["--topic", "a b"], ["--server", "https://a"],
        ] {
            #expect(throws: (any Error).self, "\(arguments)") { try BenchCommand.parse(arguments) }
        }
        #expect(throws: Never.self) { try BenchCommand.parse(["--form", "sse", "--connections-at-once", "1"]) }
    }
}
