public import MessageBus
import StrictJSON

/// An event of a reader's stream that is not an alert: its name, its JSON, and what a form needs besides.
public struct StreamEvent: Sendable {
    public let name: String
    public let json: [UInt8]
    /// The reader's cursor after this event, where the event moves it.
    public let cursor: Position?
    /// How long a reader should wait before it comes back, in milliseconds.
    let retryMilliseconds: Int?

    private init(
        _ name: String, time: WallTime, cursor: Position? = nil, retryMilliseconds: Int? = nil,
        _ members: (inout JSONWriter) -> Void = { _ in }
    ) {
        var json = JSONWriter(reservingCapacity: 160)
        json.beginObject()
        json.key("event")
        json.string(name)
        json.key("time")
        json.int(Int(time.seconds))
        json.key("time_ms")
        json.int(Int(time.milliseconds))
        if let cursor {
            json.key("id")
            json.string(cursor.id)
        }
        members(&json)
        json.endObject()
        self.name = name
        self.json = json.bytes
        self.cursor = cursor
        self.retryMilliseconds = retryMilliseconds
    }

    /// The stream is open and everything after `cursor` follows.
    public static func open(
        cursor: Position, topics: String?, vm: VMIdentity, heartbeat: Int, time: WallTime
    ) -> StreamEvent {
        StreamEvent("open", time: time, cursor: cursor) { json in
            if let topics {
                json.key("topic")
                json.string(topics)
            }
            json.key("vm")
            json.string(vm.id)
            json.key("region")
            json.string(vm.region)
            json.key("ping")
            json.int(heartbeat)
        }
    }

    /// Nothing happened, and the reader has everything up to `cursor`.
    static func keepalive(cursor: Position?, time: WallTime) -> StreamEvent {
        StreamEvent("keepalive", time: time, cursor: cursor)
    }

    /// Part of what the reader asked for is gone; the stream goes on after `cursor`.
    static func reset(_ reset: Reset, time: WallTime) -> StreamEvent {
        StreamEvent("reset", time: time, cursor: reset.resumesAfter) { json in
            json.key("reason")
            json.string(reset.reason.rawValue)
            json.key("since")
            optional(reset.since, in: &json)
            json.key("oldest")
            optional(reset.oldest, in: &json)
        }
    }

    /// The VM lost the bus (`stale`) or has it again (`live`).
    static func busState(isAway: Bool, time: WallTime) -> StreamEvent {
        StreamEvent(isAway ? "stale" : "live", time: time)
    }

    /// The VM is leaving.
    static func drain(retryMilliseconds: Int, time: WallTime) -> StreamEvent {
        StreamEvent("drain", time: time, retryMilliseconds: retryMilliseconds) { json in
            json.key("retry_ms")
            json.int(retryMilliseconds)
        }
    }

    private static func optional(_ position: Position?, in json: inout JSONWriter) {
        if let position { json.string(position.id) } else { json.null() }
    }
}
