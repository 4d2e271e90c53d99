import StrictJSON

/// One line of `GET /{topics}/json`, as far as this client looks at it.
enum FeedEvent: Sendable, Equatable {
    case open(id: AlertID?, vm: String?, region: String?)
    case message(FeedAlert)
    case keepalive(id: AlertID?)
    /// Part of what was asked for is gone; the feed goes on after `id`.
    case reset(id: AlertID?, reason: String)
    /// The VM lost its bus; alerts come late.
    case stale
    /// The VM has its bus again.
    case live
    /// The VM is leaving.
    case drain(retryMilliseconds: Int)
    /// One that this client does not know.
    case other

    /// The line is not an event.
    struct Malformed: Error, Equatable {
        let reason: String
    }

    /// More than a server takes in by default, so that data of any publisher can be read.
    private static let limits = JSONLimits(maxDepth: 128, maxMembers: 65_536)

    init(line: [UInt8]) throws(Malformed) {
        let value: JSONValue
        do {
            value = try JSONValue.parse(line, limits: Self.limits)
        } catch {
            throw Malformed(reason: error.message)
        }
        guard let object = value.objectValue, let event = object["event"]?.stringValue else {
            throw Malformed(reason: "a line without an event")
        }
        let id = object["id"]?.stringValue.flatMap(AlertID.init)
        switch event {
        case "open": self = .open(id: id, vm: object["vm"]?.stringValue, region: object["region"]?.stringValue)
        case "message":
            guard let id else { throw Malformed(reason: "an alert without an id") }
            self = .message(FeedAlert(id: id, object))
        case "keepalive": self = .keepalive(id: id)
        case "reset": self = .reset(id: id, reason: object["reason"]?.stringValue ?? "unknown")
        case "stale": self = .stale
        case "live": self = .live
        case "drain": self = .drain(retryMilliseconds: object["retry_ms"]?.intValue ?? 0)
        default: self = .other
        }
    }
}

/// A position in the log as 12 base-62 characters. Ids compare as their text does, byte by byte.
struct AlertID: Sendable, Hashable, Comparable {
    let text: String

    init?(_ text: String) {
        let isBase62 = text.utf8.allSatisfy { byte in
            switch byte {
            case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                UInt8(ascii: "a")...UInt8(ascii: "z"):
                true
            default: false
            }
        }
        guard text.utf8.count == 12, isBase62 else { return nil }
        self.text = text
    }

    static func < (left: AlertID, right: AlertID) -> Bool {
        left.text.utf8.lexicographicallyPrecedes(right.text.utf8)
    }
}

/// What a line of text shows of an alert.
struct FeedAlert: Sendable, Equatable {
    let id: AlertID
    /// The id that it had before the bus lost it and a VM put it back.
    let healedFrom: AlertID?
    let topic: String
    let time: Int
    let region: String?
    let priority: Int
    let title: String?
    let message: String

    init(id: AlertID, _ object: JSONObject) {
        self.id = id
        healedFrom = object["healed_from"]?.stringValue.flatMap(AlertID.init)
        topic = object["topic"]?.stringValue ?? ""
        time = object["time"]?.intValue ?? 0
        region = object["region"]?.stringValue
        priority = object["priority"]?.intValue ?? 3
        title = object["title"]?.stringValue
        message = object["message"]?.stringValue ?? ""
    }

    /// `2026-11-21T10:15:03Z  alien-landings  syd  [4] Title: message  (id)`, safe to print.
    var line: String {
        let text = [title, message].compactMap { $0 }.filter { !$0.isEmpty }.joined(separator: ": ")
        let columns = [
            Timestamp.text(unixSeconds: time), topic, region ?? "-", "[\(priority)] \(text)", "(\(id.text))",
        ]
        return columns.map(PrintableText.escaped).joined(separator: "  ")
    }
}
