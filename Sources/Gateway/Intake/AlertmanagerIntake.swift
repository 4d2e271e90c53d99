import MessageBus
import StrictJSON

/// Reads Prometheus Alertmanager's webhook, version 4, which Grafana sends too: one alert for each entry of `alerts`.
///
/// The title is the alert's name and status, the text its `summary` and `description`, the priority follows the label `severity`, and the
/// entry itself is the alert's `data`. An entry's fingerprint, status and times are its idempotency key, so Alertmanager's repeats raise nothing.
struct AlertmanagerIntake {
    private let intake: PublishIntake

    init(_ intake: PublishIntake) { self.intake = intake }

    func read(_ input: PublishInput) throws(GatewayError) -> PublishIntake.Result {
        let webhook = try PublishIntake.object(input.body)
        guard let alerts = webhook["alerts"]?.arrayValue else {
            throw GatewayError(.invalidWebhook, "alerts has to be an array")
        }
        if let version = webhook["version"], !["1", "4"].contains(version.stringValue) {
            throw GatewayError(.invalidWebhook, "the webhook's version has to be 4 (Alertmanager) or 1 (Grafana)")
        }
        guard alerts.count <= intake.limits.batch else {
            throw GatewayError(
                .tooManyAlerts, "the webhook has \(alerts.count) alerts; at most \(intake.limits.batch) are taken")
        }
        let topic = try intake.topic(input.topic ?? "")
        var requests: [AlertRequest] = []
        for (index, alert) in alerts.enumerated() {
            guard let entry = alert.objectValue, let labels = entry["labels"]?.objectValue else {
                throw GatewayError(.invalidWebhook, "alerts[\(index)] has to be an object with labels")
            }
            requests.append(try request(entry, labels, topic))
        }
        return PublishIntake.Result(requests: requests, isBatch: true)
    }

    private func request(_ entry: JSONObject, _ labels: JSONObject, _ topic: Topic) throws(GatewayError) -> AlertRequest
    {
        let status = entry["status"]?.stringValue == "resolved" ? "resolved" : "firing"
        let annotations = entry["annotations"]?.objectValue
        let name = labels["alertname"]?.stringValue ?? "alert"
        let texts = ["summary", "description", "message"].compactMap { annotations?[$0]?.stringValue }
        let message = texts.isEmpty ? Self.listed(labels) : texts.joined(separator: "\n")
        let severity = labels["severity"]?.stringValue?.lowercased()
        var content = AlertContent(message: PublishIntake.cut(message, at: intake.limits.text))
        content.title = PublishIntake.cut("\(name) \(status)", at: intake.limits.title)
        content.priority = status == "resolved" ? .normal : Self.priority(severity)
        content.tags = [status, PublishIntake.cut(severity ?? "", at: intake.limits.tag)].filter { !$0.isEmpty }
        content.click = entry["generatorURL"]?.stringValue.flatMap { url in
            PublishIntake.isLink(url) && url.utf8.count <= intake.limits.link ? url : nil
        }
        content.data = .object(entry)
        let key = KeyDigest.key(
            "am",
            [entry["fingerprint"]?.stringValue ?? Self.listed(labels), status, entry["startsAt"]?.stringValue ?? ""]
                + (status == "resolved" ? [entry["endsAt"]?.stringValue ?? ""] : []))
        return AlertRequest(topic: topic, content: content, key: key)
    }

    private static func priority(_ severity: String?) -> Priority {
        switch severity {
        case "critical", "emergency", "page", "fatal": .max
        case "error", "major", "high": .high
        case "info", "information", "none", "low", "debug": .low
        default: .normal
        }
    }

    private static func listed(_ labels: JSONObject) -> String {
        labels.members.map { "\($0.key)=\($0.value.stringValue ?? "")" }.joined(separator: " ")
    }
}
