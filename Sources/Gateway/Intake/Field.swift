/// A field of a publish request: what JSON calls it, and what headers and the query may call it (in lower case).
struct Field: Sendable {
    let name: String
    let aliases: [String]
    /// What tells quickly that an object or a request has not the field.
    let nameFilter: NameFilter
    let aliasFilter: NameFilter

    init(_ name: String, _ aliases: [String]) {
        self.name = name
        self.aliases = aliases
        self.nameFilter = NameFilter([name])
        self.aliasFilter = NameFilter(aliases)
    }

    static let message = Field("message", ["x-message", "message", "m"])
    static let title = Field("title", ["x-title", "title", "t"])
    static let priority = Field("priority", ["x-priority", "priority", "prio", "p"])
    static let tags = Field("tags", ["x-tags", "tags", "tag", "ta"])
    static let delay = Field("delay", ["x-delay", "delay", "x-at", "at", "x-in", "in"])
    static let expires = Field("expires", ["x-expires", "expires", "x-ttl", "ttl"])
    static let click = Field("click", ["x-click", "click"])
    static let icon = Field("icon", ["x-icon", "icon"])
    static let markdown = Field("markdown", ["x-markdown", "markdown", "md"])
    static let actions = Field("actions", ["x-actions", "actions", "action"])
    static let key = Field("key", ["idempotency-key", "x-idempotency-key", "key"])
    static let data = Field("data", [])
    static let cache = Field("cache", ["x-cache", "cache"])

    /// What ntfy has and Crier refuses, since ignoring it would lose what the sender meant.
    static let unsupported = [
        Field("attach", ["x-attach", "attach", "a"]),
        Field("filename", ["x-filename", "filename", "file", "f"]),
        Field("email", ["x-email", "x-e-mail", "email", "e-mail", "mail", "e"]),
        Field("call", ["x-call", "call"]),
    ]
}
