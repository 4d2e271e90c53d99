/// The name an alert is raised on: `[-_A-Za-z0-9]{1,64}`, ntfy's rule.
public struct Topic: Hashable, Comparable, Sendable, CustomStringConvertible {
    /// The longest name, in characters (all are ASCII, so in bytes as well).
    public static let maximumLength = 64

    public let name: String

    /// - Returns: `nil` where `name` is not a topic.
    public init?(_ name: String) {
        guard (1...Self.maximumLength).contains(name.utf8.count), name.utf8.allSatisfy(Self.isAllowed) else {
            return nil
        }
        self.name = name
    }

    public var description: String { name }

    public static func < (left: Self, right: Self) -> Bool { left.name < right.name }

    private static func isAllowed(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "_"):
            true
        default: false
        }
    }
}
