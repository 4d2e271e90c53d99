public import MessageBus

/// Which topics "all topics" are for a reader: the first rule that matches a topic decides, and a topic that none matches is among them.
public struct TopicScope: Hashable, Sendable {
    public struct Rule: Hashable, Sendable {
        public let pattern: TopicPattern
        public let isIncluded: Bool

        public init(_ pattern: TopicPattern, isIncluded: Bool) {
            self.pattern = pattern
            self.isIncluded = isIncluded
        }
    }

    public let rules: [Rule]

    public init(_ rules: [Rule]) { self.rules = rules }

    /// Every topic.
    public static let everything = TopicScope([])

    public func includes(_ topic: Topic) -> Bool {
        rules.first { $0.pattern.matches(topic) }?.isIncluded ?? true
    }
}
