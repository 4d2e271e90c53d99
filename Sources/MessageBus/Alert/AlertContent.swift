public import StrictJSON

/// What a publisher says: the members of an alert that the payload may set.
public struct AlertContent: Sendable, Equatable {
    public var message: String
    public var title: String?
    public var priority: Priority?
    public var tags: [String]
    /// An `http` or `https` link to open.
    public var click: String?
    /// An `http` or `https` link to a picture.
    public var icon: String?
    /// Whether `message` is Markdown.
    public var markdown: Bool
    /// ntfy's action objects, passed on as they came.
    public var actions: JSONValue?
    /// Unix seconds after which the alert is not replayed any more.
    public var expires: Int64?
    /// Any JSON value that came with the alert.
    public var data: JSONValue?
    /// The context attributes of the CloudEvent that it was published as.
    public var cloudEvent: JSONObject?

    public init(
        message: String, title: String? = nil, priority: Priority? = nil, tags: [String] = [], click: String? = nil,
        icon: String? = nil, markdown: Bool = false, actions: JSONValue? = nil, expires: Int64? = nil,
        data: JSONValue? = nil, cloudEvent: JSONObject? = nil
    ) {
        self.message = message
        self.title = title
        self.priority = priority
        self.tags = tags
        self.click = click
        self.icon = icon
        self.markdown = markdown
        self.actions = actions
        self.expires = expires
        self.data = data
        self.cloudEvent = cloudEvent
    }

    /// Whether a CloudEvent of these attributes has text as its data, which is then an alert's message.
    public static func isText(cloudEvent attributes: JSONObject) -> Bool {
        attributes["datacontenttype"]?.stringValue?.lowercased().hasPrefix("text/") ?? false
    }

    /// The alert's JSON object without its `id`; the members and their meaning are in docs/protocol.md.
    func encode(topic: Topic, time: WallTime, sender: String?, region: String) -> [UInt8] {
        var json = JSONWriter(reservingCapacity: 192 + message.utf8.count)
        json.beginObject()
        json.key("time")
        json.int(Int(time.seconds))
        json.key("time_ms")
        json.int(Int(time.milliseconds))
        json.key("event")
        json.string("message")
        json.key("topic")
        json.string(topic.name)
        if let title {
            json.key("title")
            json.string(title)
        }
        json.key("message")
        json.string(message)
        if let priority {
            json.key("priority")
            json.int(priority.rawValue)
        }
        if !tags.isEmpty {
            json.key("tags")
            json.beginArray()
            for tag in tags { json.string(tag) }
            json.endArray()
        }
        if let click {
            json.key("click")
            json.string(click)
        }
        if let icon {
            json.key("icon")
            json.string(icon)
        }
        if markdown {
            json.key("markdown")
            json.bool(true)
        }
        if let actions {
            json.key("actions")
            json.value(actions)
        }
        if let expires {
            json.key("expires")
            json.int(Int(expires))
        }
        if let data {
            json.key("data")
            json.value(data)
        }
        if let cloudEvent {
            json.key("ce")
            json.value(.object(cloudEvent))
        }
        if let sender {
            json.key("sender")
            json.string(sender)
        }
        json.key("region")
        json.string(region)
        json.endObject()
        return json.bytes
    }
}
