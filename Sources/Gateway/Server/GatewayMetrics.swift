import CoreMetrics

/// What the gateway counts besides the hub. Names follow Prometheus' conventions.
struct GatewayMetrics: Sendable {
    private let factory: any MetricsFactory
    let connections: Meter

    init(factory: any MetricsFactory) {
        self.factory = factory
        self.connections = Meter(label: "crier_connections", factory: factory)
    }

    /// A request or frame was refused.
    func refused(_ code: ErrorCode) {
        Counter(label: "crier_refusals_total", dimensions: [("code", String(code.number))], factory: factory)
            .increment()
    }

    /// A request named a VM or region.
    func decided(_ decision: AffinityDecision) {
        Counter(label: "crier_affinity_total", dimensions: [("decision", decision.name)], factory: factory).increment()
    }

    /// What each name means, for the exporter's `# HELP` lines.
    static let help: [(name: String, text: String)] = [
        ("crier_connections", "Open TCP connections."),
        (
            "crier_affinity_total",
            "Requests that named a VM or region: served, replayed to it, served although it is not this one, or refused as unknown."
        ),
        ("crier_refusals_total", "Requests and frames that were refused, by error code."),
    ]
}
