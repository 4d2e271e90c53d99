public import CoreMetrics
import MessageBus

/// What the hub counts. Names follow Prometheus' conventions; durations are in seconds.
public struct HubMetrics: Sendable {
    let alerts: Counter
    let deliveries: Counter
    let resumes: Counter
    let slowCloses: Counter
    let silentCloses: Counter
    let fanOut: CoreMetrics.Timer
    private let resets: [Reset.Reason: Counter]
    private let sockets: [WireForm: Meter]

    public init(factory: any MetricsFactory) {
        alerts = Counter(label: "crier_alerts_total", factory: factory)
        deliveries = Counter(label: "crier_deliveries_total", factory: factory)
        resumes = Counter(label: "crier_resumes_total", factory: factory)
        slowCloses = Counter(label: "crier_slow_closes_total", factory: factory)
        silentCloses = Counter(label: "crier_silent_closes_total", factory: factory)
        fanOut = CoreMetrics.Timer(label: "crier_fan_out_seconds", factory: factory)
        resets = Dictionary(
            uniqueKeysWithValues: [Reset.Reason.retention, .epoch, .unknown, .lost].map {
                ($0, Counter(label: "crier_resets_total", dimensions: [("reason", $0.rawValue)], factory: factory))
            })
        sockets = Dictionary(
            uniqueKeysWithValues: WireForm.allCases.map {
                ($0, Meter(label: "crier_sockets", dimensions: [("form", $0.name)], factory: factory))
            })
    }

    func reset(_ reason: Reset.Reason) { resets[reason]?.increment() }
    func socketOpened(_ form: WireForm) { sockets[form]?.increment() }
    func socketClosed(_ form: WireForm) { sockets[form]?.decrement() }

    /// What each name means, for the exporter's `# HELP` lines.
    public static let help: [(name: String, text: String)] = [
        ("crier_alerts_total", "Alerts that the bus handed to this VM."),
        ("crier_deliveries_total", "Alerts written to readers, counted once for each reader."),
        ("crier_resumes_total", "Readers that asked for alerts from before they came."),
        ("crier_slow_closes_total", "Readers closed because they did not keep up."),
        ("crier_silent_closes_total", "Readers closed because they answered no heartbeat."),
        ("crier_fan_out_seconds", "Time from a batch's arrival from the bus until it was written to every reader."),
        ("crier_resets_total", "Readers told that part of what they asked for is gone."),
        ("crier_sockets", "Connected readers."),
    ]
}

extension WireForm {
    /// The form's name in metrics.
    var name: String {
        switch self {
        case .webSocket: "websocket"
        case .cloudEvents: "cloudevents"
        case .eventStream: "sse"
        case .jsonLines: "json"
        case .rawLines: "raw"
        case .deflatedWebSocket: "websocket-deflate"
        case .deflatedCloudEvents: "cloudevents-deflate"
        }
    }
}
