import Broadcasting
import MessageBus

/// What a reading request asks for: `GET /{topics}/{form}` and its query and headers.
struct ReadRequest: Sendable, Equatable {
    var interest: Interest
    /// The topics as the path has them.
    let topics: String
    let form: WireForm
    let since: Since
    /// Answer with what is held, then end.
    let isPolling: Bool

    init(
        topics: String, form: WireForm, fields: RequestFields, now: WallTime, limits: ReadLimits
    ) throws(GatewayError) {
        self.topics = topics
        self.form = form
        interest = Interest(
            topics: try Self.topics(topics, limits), filter: try Self.filter(fields))
        isPolling = try Self.flag(fields, ["x-poll", "poll", "po"])
        if Self.isGiven(fields, ["x-scheduled", "scheduled", "sched"]) {
            throw GatewayError(.unsupported, "scheduled is not supported: delayed alerts are not listed")
        }
        let text = fields.value(["x-since", "since", "si"]) ?? fields.header("last-event-id") ?? ""
        guard let since = Since(text, now: now) else {
            throw GatewayError(
                .invalidSince,
                "since is an id of 12 characters, Unix seconds, a duration such as 10m, all, latest, latest:20 or none")
        }
        self.since = isPolling && text.isEmpty ? .all : since
    }

    /// Has what is read checked and held to what someone may read.
    func restricted(by rights: TopicRights, to identity: Identity) throws(GatewayError) -> ReadRequest {
        try rights.checkReading(of: interest.topics, by: identity)
        var restricted = self
        restricted.interest = Interest(
            topics: interest.topics, filter: interest.filter, scope: rights.scope(for: identity))
        return restricted
    }

    /// Reads `a,b` or `*`.
    static func topics(_ text: String, _ limits: ReadLimits) throws(GatewayError) -> Interest.Topics {
        if text == "*" { return .all }
        let names = text.split(separator: ",", omittingEmptySubsequences: false)
        guard names.count <= limits.topics else {
            throw GatewayError(.tooManyTopics, "\(names.count) topics; at most \(limits.topics) are taken")
        }
        var topics: Set<Topic> = []
        for name in names {
            guard let topic = Topic(String(name)) else {
                throw GatewayError(.invalidTopic, "a topic is 1 to 64 characters of a–z, A–Z, 0–9, - and _")
            }
            guard !Route.reservedNames.contains(topic.name) else {
                throw GatewayError(.reservedTopic, "\(name) is a route of this server and cannot be a topic")
            }
            topics.insert(topic)
        }
        return .some(topics)
    }

    static func filter(_ fields: RequestFields) throws(GatewayError) -> AlertFilter {
        var filter = AlertFilter()
        for name in fields.value(["x-priority", "priority", "prio", "p"])?.split(separator: ",") ?? [] {
            guard let priority = Priority(name.trimmingBlanks()) else {
                throw GatewayError(
                    .invalidFilter, "priority is 1 to 5 or min, low, default, high, max, urgent, with commas between")
            }
            filter.priorities.insert(priority)
        }
        let tags = fields.value(["x-tags", "tags", "tag", "ta"])?.split(separator: ",") ?? []
        filter.tags = Set(tags.map { $0.trimmingBlanks() }.filter { !$0.isEmpty })
        filter.title = fields.value(["x-title", "title", "t"]).flatMap { $0.isEmpty ? nil : $0 }
        filter.message = fields.value(["x-message", "message", "m"]).flatMap { $0.isEmpty ? nil : $0 }
        return filter
    }

    private static func flag(_ fields: RequestFields, _ names: [String]) throws(GatewayError) -> Bool {
        switch fields.value(names)?.lowercased() {
        case "1", "yes", "true": return true
        case nil, "", "0", "no", "false": return false
        default: throw GatewayError(.invalidField, "poll is 1 or 0")
        }
    }

    private static func isGiven(_ fields: RequestFields, _ names: [String]) -> Bool {
        !["", "0", "no", "false"].contains(fields.value(names)?.lowercased() ?? "")
    }
}

/// The sizes that a reader has to keep.
struct ReadLimits: Sendable {
    var topics = 64
}
