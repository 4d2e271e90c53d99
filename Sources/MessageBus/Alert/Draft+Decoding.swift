import StrictJSON

extension Draft {
    /// Reads what `encoded` holds, as a bus hands it back. The bytes are kept as they are.
    ///
    /// - Returns: `nil` where they are not an alert's JSON: what others write to a bus's store is not trusted.
    public convenience init?(encoded bytes: [UInt8], key: String?) {
        guard let json = try? JSONValue.parse(bytes, limits: Self.limits).objectValue,
            let topic = json["topic"]?.stringValue.flatMap({ Topic($0) }),
            let milliseconds = json["time_ms"]?.intValue,
            let message = json["message"]?.stringValue,
            let region = json["region"]?.stringValue
        else { return nil }
        var content = AlertContent(message: message)
        content.title = json["title"]?.stringValue
        content.priority = json["priority"]?.intValue.flatMap(Priority.init(rawValue:))
        content.tags = json["tags"]?.arrayValue?.compactMap(\.stringValue) ?? []
        content.click = json["click"]?.stringValue
        content.icon = json["icon"]?.stringValue
        content.markdown = json["markdown"]?.boolValue ?? false
        content.actions = json["actions"]
        content.expires = json["expires"]?.intValue.map(Int64.init)
        content.data = json["data"]
        content.cloudEvent = json["ce"]?.objectValue
        self.init(
            topic: topic, content: content, time: WallTime(milliseconds: Int64(milliseconds)),
            sender: json["sender"]?.stringValue, region: region, key: key, encoded: bytes)
    }

    /// Wider than what publishers may send, since an alert's JSON nests theirs.
    private static let limits = JSONLimits(maxDepth: 64, maxMembers: 4096)
}
