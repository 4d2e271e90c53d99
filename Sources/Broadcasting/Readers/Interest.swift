public import MessageBus

/// What a reader wants to hear.
public struct Interest: Hashable, Sendable {
    public enum Topics: Hashable, Sendable {
        case all
        case some(Set<Topic>)

        public func union(_ other: Topics) -> Topics {
            guard case .some(let mine) = self, case .some(let others) = other else { return .all }
            return .some(mine.union(others))
        }

        /// What is left without `other`; `nil` where that is nothing. All topics without some are still all: there is no list to take them from.
        public func subtracting(_ other: Topics) -> Topics? {
            switch (self, other) {
            case (_, .all): return nil
            case (.all, .some): return .all
            case (.some(let mine), .some(let others)):
                let left = mine.subtracting(others)
                return left.isEmpty ? nil : .some(left)
            }
        }

        /// The names in order, `*` for all.
        public var names: [String] {
            switch self {
            case .all: ["*"]
            case .some(let topics): topics.sorted().map(\.name)
            }
        }
    }

    public let topics: Topics
    public let filter: AlertFilter
    /// What all topics are; of no effect where some are named.
    public let scope: TopicScope

    public init(topics: Topics, filter: AlertFilter = .init(), scope: TopicScope = .everything) {
        self.topics = topics
        self.filter = filter
        self.scope = topics == .all ? scope : .everything
    }

    /// Whether all alerts of its topics are for it, and its topics are all or named.
    var isUnfiltered: Bool { scope == .everything && filter == AlertFilter() }

    public func includes(_ draft: Draft) -> Bool {
        switch topics {
        case .all: scope.includes(draft.topic) && filter.matches(draft.content)
        case .some(let topics): topics.contains(draft.topic) && filter.matches(draft.content)
        }
    }
}

/// ntfy's filters: an alert passes when it meets all that are given.
public struct AlertFilter: Hashable, Sendable {
    /// Any of these; an alert without a priority counts as 3.
    public var priorities: Set<Priority>
    /// All of these.
    public var tags: Set<String>
    /// Exactly this title.
    public var title: String?
    /// Exactly this text.
    public var message: String?

    public init(priorities: Set<Priority> = [], tags: Set<String> = [], title: String? = nil, message: String? = nil) {
        self.priorities = priorities
        self.tags = tags
        self.title = title
        self.message = message
    }

    public func matches(_ content: AlertContent) -> Bool {
        (priorities.isEmpty || priorities.contains(content.priority ?? .normal))
            && (tags.isEmpty || tags.isSubset(of: content.tags))
            && (title == nil || title == content.title)
            && (message == nil || message == content.message)
    }
}
