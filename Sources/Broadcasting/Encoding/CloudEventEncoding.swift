import MessageBus
import StrictJSON

/// An alert as a CloudEvent 1.0 in JSON format.
///
/// What was published as a CloudEvent comes back as it was. Otherwise `id` is the alert's, `source` its topic, `type` `crier.alert`, and
/// `data` its text or JSON. The extensions `crierid`, `criertopic`, `crierregion` and `criersender` are the server's in both.
enum CloudEventEncoding {
    static func encode(_ alert: Alert) -> [UInt8] {
        let draft = alert.draft
        var json = JSONWriter(reservingCapacity: 320 + draft.content.message.utf8.count)
        json.beginObject()
        attribute("specversion", "1.0", in: &json)
        if let given = draft.content.cloudEvent {
            for (name, value) in given.members where !name.hasPrefix("crier") {
                json.key(name)
                json.value(value)
            }
        } else {
            // By `source` and `id` consumers tell what comes twice, so the id of a healed alert is the one it had.
            attribute("id", (alert.healedFrom ?? alert.position).id, in: &json)
            attribute("source", "/" + draft.topic.name, in: &json)
            attribute("type", "crier.alert", in: &json)
            attribute("time", RFC3339.format(draft.time), in: &json)
            let textType = draft.content.markdown ? "text/markdown" : "text/plain"
            attribute("datacontenttype", draft.content.data == nil ? textType : "application/json", in: &json)
        }
        attribute("crierid", alert.position.id, in: &json)
        attribute("criertopic", draft.topic.name, in: &json)
        attribute("crierregion", draft.region, in: &json)
        if let sender = draft.sender { attribute("criersender", sender, in: &json) }
        if let data = draft.content.data {
            json.key("data")
            json.value(data)
        } else if hasText(draft.content) {
            attribute("data", draft.content.message, in: &json)
        }
        json.endObject()
        return json.bytes
    }

    /// Whether the message is the event's data. The message of a CloudEvent that came without data says what it was about.
    private static func hasText(_ content: AlertContent) -> Bool {
        content.cloudEvent.map(AlertContent.isText(cloudEvent:)) ?? true
    }

    private static func attribute(_ name: String, _ value: String, in json: inout JSONWriter) {
        json.key(name)
        json.string(value)
    }
}
