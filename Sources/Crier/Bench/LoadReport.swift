import StrictJSON

/// What a load run measured.
struct LoadReport {
    /// From this share of its time on, a thread of this tool was what all waited for.
    private static let busy = 0.9

    let plan: LoadPlan
    /// Of the whole run.
    let counts: ReaderCounts
    /// Deliveries that had not come in the time that the last alerts were given.
    let missing: Int
    /// Alerts of the whole run.
    let published: Int
    /// Alerts that reached a reader while it was measured, counted once for each reader, and the reads that brought them.
    let deliveries: Int
    let reads: Int
    /// Seconds.
    let elapsed: Double
    let connecting: Double
    /// CPU seconds of the servers while it was measured; `nil` where they do not tell.
    let serverCPU: Double?
    /// What share of the time each of this tool's threads was at work.
    let toolShares: [Double]
    /// What a socket cost the servers in resident memory; `nil` where they do not tell.
    let idleBytes: Double?
    let latencies: Latencies

    private var lost: Int { counts.lost + missing }

    var isCorrect: Bool {
        lost == 0 && counts.duplicated == 0 && counts.reordered == 0 && counts.closed == 0
    }

    private var deliveriesPerSecond: Double { Double(deliveries) / elapsed }
    private var connectsPerSecond: Double { Double(plan.sockets) / connecting }
    private var alertsPerRead: Double { Double(deliveries) / Double(max(1, reads)) }
    private var microsecondsADelivery: Double? { serverCPU.map { $0 * 1_000_000 / Double(max(1, deliveries)) } }
    private var toolShare: Double { toolShares.reduce(0, +) / Double(max(1, toolShares.count)) }
    private var busiestShare: Double { toolShares.max() ?? 0 }
    private var isToolTheBottleneck: Bool { busiestShare > Self.busy }

    // MARK: Text

    var text: String {
        var lines = [
            line(
                "sockets",
                "\(plan.sockets) (\(plan.form)), opened in \(rounded(connecting, 2)) s: \(whole(connectsPerSecond))/s"),
            line("server memory", idleBytes.map { "\(whole($0)) bytes of RSS an idle socket" } ?? "not told"),
            line("deliveries", "\(deliveries) in \(rounded(elapsed, 2)) s: \(whole(deliveriesPerSecond))/s"),
            line("joined", "\(rounded(alertsPerRead, 2)) alerts a read"),
            line("server CPU", serverCPUText),
            line("latency", latencyText),
            line("this tool", "\(percent(toolShare)) of its threads' time, the busiest \(percent(busiestShare))"),
            "lost \(lost), duplicated \(counts.duplicated), reordered \(counts.reordered), closed \(counts.closed)",
        ]
        if isToolTheBottleneck {
            lines.append(
                "note: this tool was the bottleneck: its busiest thread was at work "
                    + "\(percent(busiestShare)) of the time. Give it more --threads, or cores of its own.")
        }
        return (lines + counts.complaints.map { "closed: \(PrintableText.escaped($0))" }).joined(separator: "\n")
    }

    private var serverCPUText: String {
        guard let serverCPU, let microsecondsADelivery else { return "not told" }
        return "\(rounded(microsecondsADelivery, 3)) µs a delivery (\(percent(serverCPU / elapsed)) of a core)"
    }

    private var latencyText: String {
        let percentiles = Self.percentiles.map { "\($0.name) \(rounded(latencies.percentile($0.value), 3)) ms" }
        return percentiles.joined(separator: ", ")
    }

    private func line(_ name: String, _ value: String) -> String {
        name + String(repeating: " ", count: max(1, 17 - name.count)) + value
    }

    private func percent(_ share: Double) -> String { "\(whole(share * 100)) %" }

    // MARK: JSON

    private static let percentiles: [(name: String, value: Double)] = [
        ("p50", 50), ("p90", 90), ("p99", 99), ("p99.9", 99.9), ("max", 100),
    ]

    var json: String {
        var json = JSONWriter(reservingCapacity: 1024)
        json.beginObject()
        for (key, value) in [("form", plan.form.rawValue), ("topic", plan.topic)] {
            json.key(key)
            json.string(value)
        }
        let counted: [(key: String, value: Int?)] = [
            ("sockets", plan.sockets), ("threads", plan.threads), ("in_flight", plan.inFlight), ("rate", plan.rate),
            ("payload", plan.payload), ("published", published), ("delivered", deliveries), ("lost", lost),
            ("doubled", counts.duplicated), ("reordered", counts.reordered), ("closed", counts.closed),
            ("idle_socket_bytes", idleBytes.map(whole)), ("deliveries_per_second", whole(deliveriesPerSecond)),
            ("connects_per_second", whole(connectsPerSecond)),
        ]
        for (key, value) in counted {
            json.key(key)
            if let value { json.int(value) } else { json.null() }
        }
        var figures: [(key: String, value: Double?)] = [
            ("seconds", elapsed), ("connect_seconds", connecting), ("alerts_per_read", alertsPerRead),
            ("server_cpu_us_per_delivery", microsecondsADelivery), ("server_cpu_share", serverCPU.map { $0 / elapsed }),
            ("tool_cpu_share", toolShare), ("tool_busiest_thread_share", busiestShare),
        ]
        for percentile in Self.percentiles {
            let name = percentile.name.filter { $0 != "." }
            figures.append(("latency_ms_\(name)", latencies.percentile(percentile.value)))
        }
        for (key, value) in figures {
            json.key(key)
            if let number = value.flatMap({ JSONNumber($0) }) { json.number(number) } else { json.null() }
        }
        json.key("tool_is_bottleneck")
        json.bool(isToolTheBottleneck)
        json.endObject()
        return String(decoding: json.bytes, as: UTF8.self)
    }

    // MARK: Numbers

    private func whole(_ value: Double) -> Int { Int(exactly: value.rounded()) ?? 0 }

    private func rounded(_ value: Double, _ digits: Int) -> String {
        let factor = (0..<digits).reduce(1.0) { product, _ in product * 10 }
        return "\((value * factor).rounded() / factor)"
    }
}
