import Histogram
import StrictJSON

/// What a load run measured.
struct LoadReport {
    let plan: LoadPlan
    let counts: LoadTally.Counts
    /// Alerts that reached a socket while it was measured, counted once for each socket.
    let delivered: Int
    /// Deliveries that had not come ten seconds after the end.
    let missing: Int
    let elapsed: Double
    let connecting: Double
    /// CPU seconds of the server and, by its event loops, of this tool, while it was measured.
    let serverCPU: Double
    let toolCPU: Double
    let idleBytes: Double
    let latencies: Histogram<UInt32>

    var isCorrect: Bool { counts.lost == 0 && counts.doubled == 0 && missing == 0 && counts.closed == 0 }

    private var microsecondsADelivery: Double { serverCPU * 1_000_000 / Double(max(1, delivered)) }
    private var isToolTheBottleneck: Bool { toolCPU / elapsed > 0.9 }

    var text: String {
        var lines = [
            "sockets              \(plan.sockets), opened in \(rounded(connecting, 2)) s (\(Int(Double(plan.sockets) / connecting))/s)",
            "server memory        \(Int(idleBytes)) bytes of RSS an idle socket",
            "deliveries           \(delivered) in \(rounded(elapsed, 2)) s: \(Int(Double(delivered) / elapsed))/s",
            "server CPU           \(rounded(microsecondsADelivery, 3)) µs a delivery (\(Int(serverCPU / elapsed * 100)) % of a core)",
            "latency              p50 \(milliseconds(50)) ms, p99 \(milliseconds(99)) ms, max \(milliseconds(100)) ms",
            "lost \(counts.lost + missing), doubled or reordered \(counts.doubled), closed \(counts.closed)",
        ]
        if isToolTheBottleneck {
            lines.append(
                "note: this tool used \(Int(toolCPU / elapsed * 100)) % of its event loops: it is the bottleneck, not the server"
            )
        }
        return (lines + counts.complaints).joined(separator: "\n")
    }

    var json: String {
        var json = JSONWriter(reservingCapacity: 512)
        json.beginObject()
        for (key, value) in [
            ("sockets", plan.sockets), ("in_flight", plan.inFlight), ("payload", plan.payload),
            ("delivered", delivered),
            ("lost", counts.lost + missing), ("doubled", counts.doubled), ("closed", counts.closed),
            ("idle_socket_bytes", Int(idleBytes)), ("deliveries_per_second", Int(Double(delivered) / elapsed)),
        ] {
            json.key(key)
            json.int(value)
        }
        let figures: [(key: String, value: Double)] = [
            ("seconds", elapsed), ("connect_seconds", connecting),
            ("server_cpu_us_per_delivery", microsecondsADelivery),
            ("server_cpu_share", serverCPU / elapsed), ("tool_cpu_share", toolCPU / elapsed),
            ("latency_ms_p50", milliseconds(50)), ("latency_ms_p99", milliseconds(99)),
            ("latency_ms_max", milliseconds(100)),
        ]
        for (key, value) in figures {
            json.key(key)
            if let number = JSONNumber(value) { json.number(number) } else { json.null() }
        }
        json.key("tool_is_bottleneck")
        json.bool(isToolTheBottleneck)
        json.endObject()
        return String(decoding: json.bytes, as: UTF8.self)
    }

    private func milliseconds(_ percentile: Double) -> Double {
        Double(latencies.valueAtPercentile(percentile)) / 1000
    }

    private func rounded(_ value: Double, _ digits: Int) -> String {
        let factor = (0..<digits).reduce(1.0) { product, _ in product * 10 }
        return "\((value * factor).rounded() / factor)"
    }
}
