import MessageBus
import StrictJSON

/// What a publisher is answered.
extension Publisher.Outcome {
    /// The HTTP answer: the alert as JSON, with `duplicate` where its key was known, or what was scheduled.
    func writeAnswer(to json: inout JSONWriter) {
        switch self {
        case .raised(let alert, let isDuplicate):
            if isDuplicate {
                json.raw(alert.encoded.dropLast() + Array(#","duplicate":true}"#.utf8))
            } else {
                json.raw(alert.encoded)
            }
        case .scheduled(let draft, let due, let isDuplicate):
            json.beginObject()
            json.key("event")
            json.string("scheduled")
            json.key("time")
            json.int(due.seconds)
            json.key("topic")
            json.string(draft.topic.name)
            json.key("message")
            json.string(draft.content.message)
            if isDuplicate {
                json.key("duplicate")
                json.bool(true)
            }
            json.endObject()
        }
    }

    /// The `ack` frame of the duplex protocol.
    func acknowledgement(ref: String?) -> [UInt8] {
        var json = JSONWriter(reservingCapacity: 96)
        json.beginObject()
        json.key("event")
        json.string("ack")
        if let ref {
            json.key("ref")
            json.string(ref)
        }
        switch self {
        case .raised(let alert, let isDuplicate):
            json.key("id")
            json.string(alert.position.id)
            json.key("time")
            json.int(alert.time.seconds)
            if isDuplicate {
                json.key("duplicate")
                json.bool(true)
            }
        case .scheduled(_, let due, let isDuplicate):
            json.key("scheduled")
            json.int(due.seconds)
            if isDuplicate {
                json.key("duplicate")
                json.bool(true)
            }
        }
        json.endObject()
        return json.bytes
    }
}
