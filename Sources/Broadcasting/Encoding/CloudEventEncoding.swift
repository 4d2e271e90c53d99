import MessageBus
import StrictJSON

/// An alert as a CloudEvent 1.0 in JSON format.
///
/// Attributes that the alert was published with come back as they were; the others are filled in: `id` from the log, `source` from the topic,
/// `type` `crier.alert`, `time` from the VM that took it in. The extensions `topic`, `sequence` (the alert's id), `region` and `sender` are the server's.
enum CloudEventEncoding {
    private static let ours: Set<String> = ["topic", "sequence", "region", "sender"]

    static func encode(_ alert: Alert) -> [UInt8] {
        let draft = alert.draft
        let content = draft.content
        var json = JSONWriter(reservingCapacity: 320 + content.message.utf8.count)
        json.beginObject()
        json.key("specversion")
        json.string("1.0")
        let given = content.cloudEvent
        attribute("id", given?["id"]?.stringValue ?? alert.position.id, in: &json)
        attribute("source", given?["source"]?.stringValue ?? "/" + draft.topic.name, in: &json)
        attribute("type", given?["type"]?.stringValue ?? "crier.alert", in: &json)
        attribute("time", given?["time"]?.stringValue ?? RFC3339.format(draft.time), in: &json)
        for (name, value) in given?.members ?? []
        where !["id", "source", "type", "time", "specversion", "datacontenttype"].contains(name) && !ours.contains(name)
        {
            json.key(name)
            json.value(value)
        }
        attribute("topic", draft.topic.name, in: &json)
        attribute("sequence", alert.position.id, in: &json)
        attribute("region", draft.region, in: &json)
        if let sender = draft.sender { attribute("sender", sender, in: &json) }
        let givenType = given?["datacontenttype"]?.stringValue
        if let data = content.data {
            attribute("datacontenttype", givenType ?? "application/json", in: &json)
            json.key("data")
            json.value(data)
        } else {
            attribute("datacontenttype", givenType ?? (content.markdown ? "text/markdown" : "text/plain"), in: &json)
            json.key("data")
            json.string(content.message)
        }
        json.endObject()
        return json.bytes
    }

    private static func attribute(_ name: String, _ value: String, in json: inout JSONWriter) {
        json.key(name)
        json.string(value)
    }
}
