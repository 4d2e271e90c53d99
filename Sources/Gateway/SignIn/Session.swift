import MessageBus
import StrictJSON

/// Someone's sign-in, as the store keeps it.
struct Session: Sendable, Equatable {
    let user: String
    /// When they signed in.
    let since: WallTime
    /// It ends then whatever is done: the token by which they signed in does.
    var ends: WallTime?
    var grants = Grants.none

    var json: [UInt8] {
        var json = JSONWriter(reservingCapacity: 128)
        json.beginObject()
        json.key("user")
        json.string(user)
        json.key("since")
        json.int(since.milliseconds)
        if let ends {
            json.key("ends")
            json.int(ends.milliseconds)
        }
        for (name, patterns) in [("publish", grants.publish), ("subscribe", grants.subscribe)] where !patterns.isEmpty {
            json.key(name)
            json.beginArray()
            for pattern in patterns { json.string(pattern.description) }
            json.endArray()
        }
        json.endObject()
        return json.bytes
    }

    init(user: String, since: WallTime, ends: WallTime? = nil, grants: Grants = .none) {
        self.user = user
        self.since = since
        self.ends = ends
        self.grants = grants
    }

    /// - Returns: `nil` where the bytes are not a session's.
    init?(json: [UInt8]) {
        guard let object = try? JSONValue.parse(json).objectValue, let user = object["user"]?.stringValue,
            let since = object["since"]?.intValue
        else { return nil }
        self.user = user
        self.since = WallTime(milliseconds: Int64(since))
        ends = object["ends"]?.intValue.map { WallTime(milliseconds: Int64($0)) }
        for (name, path) in [("publish", \Grants.publish), ("subscribe", \Grants.subscribe)] {
            guard let value = object[name] else { continue }
            let patterns = value.arrayValue?.map { $0.stringValue.flatMap(TopicPattern.init) } ?? [nil]
            guard !patterns.contains(nil) else { return nil }
            grants[keyPath: path] = patterns.compactMap { $0 }
        }
    }
}
