import Broadcasting
import MessageBus

/// Who may publish on and read which topics: of each list the first rule whose pattern matches decides.
struct TopicRights: Sendable, Equatable {
    /// What a topic asks of whoever publishes on it or reads it. The publish token opens all but `nobody`.
    enum Requirement: String, Sendable, CaseIterable {
        case anyone
        /// A user who is signed in.
        case user
        /// The publish token.
        case token
        case nobody
    }

    struct Rule: Sendable, Equatable {
        let pattern: TopicPattern
        let requirement: Requirement
    }

    private let publish: [Rule]
    private let subscribe: [Rule]

    /// What an operator's rules cannot change: the VMs' own notices are nobody's.
    private static let fixed = rules([("_crier", .nobody)])
    /// Rooms are for users. A rule that does not name them, such as one for `*`, does not speak of them.
    private static let rooms = rules([("_room-*", .user)])

    /// - Parameters:
    ///   - publish, subscribe: the operator's rules.
    ///   - needsToken: whether publishing needs the publish token where nothing else is said.
    init(publish: [Rule] = [], subscribe: [Rule] = [], needsToken: Bool = false) {
        self.publish = Self.ordered(publish, last: needsToken ? .token : .anyone)
        self.subscribe = Self.ordered(subscribe, last: .anyone)
    }

    private static func ordered(_ rules: [Rule], last: Requirement) -> [Rule] {
        let named = rules.filter { $0.pattern.description.hasPrefix("_room-") }
        let others = rules.filter { !$0.pattern.description.hasPrefix("_room-") }
        return fixed + named + rooms + others + Self.rules([("*", last)])
    }

    private static func rules(_ rules: [(String, Requirement)]) -> [Rule] {
        rules.compactMap { text, requirement in
            TopicPattern(text).map { Rule(pattern: $0, requirement: requirement) }
        }
    }

    /// Reads `alarms-*=token, chat-*=user, *=anyone`.
    ///
    /// - Returns: `nil` where an entry is not a pattern, `=`, and a requirement.
    static func rules(_ text: String) -> [Rule]? {
        var rules: [Rule] = []
        for entry in text.split(separator: ",") {
            let parts = entry.split(separator: "=", omittingEmptySubsequences: false).map { $0.trimmingBlanks() }
            guard parts.count == 2, let pattern = TopicPattern(parts[0]),
                let requirement = Requirement(rawValue: parts[1])
            else { return nil }
            rules.append(Rule(pattern: pattern, requirement: requirement))
        }
        return rules
    }

    /// - Throws: why nothing may be published, for someone to whom no rule and no grant opens anything.
    func checkPublishing(by identity: Identity) throws(GatewayError) {
        guard identity.grants.publish.isEmpty, !publish.contains(where: { Self.opens($0.requirement, to: identity) }),
            let last = publish.last
        else { return }
        throw Self.refusal("anything", last.requirement, identity, "publish")
    }

    /// - Throws: why the topic may not be published on: 401 for someone unknown, 403 for someone known.
    func checkPublishing(on topic: Topic, by identity: Identity) throws(GatewayError) {
        try Self.check(topic, publish, identity.grants.publish, identity, "publish on")
    }

    /// - Throws: why the topic may not be read.
    func checkReading(of topic: Topic, by identity: Identity) throws(GatewayError) {
        try Self.check(topic, subscribe, identity.grants.subscribe, identity, "read")
    }

    /// - Throws: why one of the topics may not be read. All topics may always be asked for: they are those of ``scope(for:)``.
    func checkReading(of topics: Interest.Topics, by identity: Identity) throws(GatewayError) {
        guard case .some(let topics) = topics else { return }
        for topic in topics.sorted() { try checkReading(of: topic, by: identity) }
    }

    /// Which topics all topics are for a reader.
    func scope(for identity: Identity) -> TopicScope {
        TopicScope(
            subscribe.flatMap { rule -> [TopicScope.Rule] in
                let isOpen = Self.opens(rule.requirement, to: identity)
                // Grants open what the rule decides, and nothing that a later one does.
                let granted = isOpen || rule.requirement == .nobody ? [] : identity.grants.subscribe
                return granted.compactMap(rule.pattern.intersection).map { TopicScope.Rule($0, isIncluded: true) }
                    + [TopicScope.Rule(rule.pattern, isIncluded: isOpen)]
            })
    }

    /// What is left of these topics for someone; `nil` where that is nothing.
    func readable(_ topics: Interest.Topics, by identity: Identity) -> Interest.Topics? {
        guard case .some(let topics) = topics else { return .all }
        let open = topics.filter { (try? checkReading(of: $0, by: identity)) != nil }
        return open.isEmpty ? nil : .some(open)
    }

    private static func check(
        _ topic: Topic, _ rules: [Rule], _ grants: [TopicPattern], _ identity: Identity, _ act: String
    ) throws(GatewayError) {
        let requirement = rules.first { $0.pattern.matches(topic) }?.requirement ?? .nobody
        if opens(requirement, to: identity) { return }
        if requirement != .nobody && grants.contains(where: { $0.matches(topic) }) { return }
        throw refusal(topic.name, requirement, identity, act)
    }

    private static func opens(_ requirement: Requirement, to identity: Identity) -> Bool {
        switch (requirement, identity.standing) {
        case (.anyone, _), (.user, .user), (.user, .publisher), (.token, .publisher): true
        case (.user, .anonymous), (.token, .anonymous), (.token, .user), (.nobody, _): false
        }
    }

    private static func refusal(
        _ topic: String, _ requirement: Requirement, _ identity: Identity, _ act: String
    ) -> GatewayError {
        let reason =
            switch requirement {
            case .anyone, .nobody: "nobody may \(act) \(topic)"
            case .user: "to \(act) \(topic) sign in, or give a token: Authorization: Bearer …"
            case .token: "to \(act) \(topic) a token is needed: Authorization: Bearer …"
            }
        if requirement != .nobody && identity.standing == .anonymous { return GatewayError(.unauthorized, reason) }
        let who = identity.user.map { "\($0) is not allowed: " } ?? ""
        return GatewayError(.forbiddenTopic, who + reason)
    }
}
