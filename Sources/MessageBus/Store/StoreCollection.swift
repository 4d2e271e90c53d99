/// A kind of things in a `SharedStore`, listed together: `[a-z]{1,16}`, such as `sessions`.
public struct StoreCollection: Hashable, Comparable, Sendable, CustomStringConvertible {
    /// The longest name, in characters (all are ASCII, so in bytes as well).
    public static let maximumLength = 16

    public let name: String

    /// - Returns: `nil` where `name` is not a collection's.
    public init?(_ name: String) {
        guard (1...Self.maximumLength).contains(name.utf8.count),
            name.utf8.allSatisfy({ (UInt8(ascii: "a")...UInt8(ascii: "z")).contains($0) })
        else { return nil }
        self.name = name
    }

    public var description: String { name }

    public static func < (left: Self, right: Self) -> Bool { left.name < right.name }
}
