/// Topics by name: one (`alarms`), all that begin alike (`alarms-*`), or all (`*`).
public struct TopicPattern: Hashable, Sendable, CustomStringConvertible {
    private let stem: String
    private let isOpen: Bool

    /// - Returns: `nil` where `text` is neither a topic, nor the beginning of one with a `*` behind it, nor `*`.
    public init?(_ text: String) {
        isOpen = text.hasSuffix("*")
        stem = isOpen ? String(text.dropLast()) : text
        guard (isOpen && stem.isEmpty) || Topic(stem) != nil else { return nil }
    }

    public func matches(_ topic: Topic) -> Bool {
        isOpen ? topic.name.utf8.starts(with: stem.utf8) : topic.name == stem
    }

    /// The topics that both match; `nil` where there are none.
    public func intersection(_ other: TopicPattern) -> TopicPattern? {
        let (longer, shorter) = stem.utf8.count > other.stem.utf8.count ? (self, other) : (other, self)
        if !shorter.isOpen { return shorter.stem == longer.stem ? shorter : nil }
        return longer.stem.utf8.starts(with: shorter.stem.utf8) ? longer : nil
    }

    public var description: String { isOpen ? stem + "*" : stem }
}
