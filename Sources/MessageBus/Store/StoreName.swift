/// The name of one entry of a `SharedStore`: its collection, and its key there, `[-_A-Za-z0-9]{1,128}`.
///
/// Names are ordered by collection, then by key, byte by byte.
public struct StoreName: Hashable, Comparable, Sendable, CustomStringConvertible {
    /// The longest key, in characters (all are ASCII, so in bytes as well).
    public static let maximumKeyLength = 128

    public let collection: StoreCollection
    public let key: String

    /// - Returns: `nil` where `key` is not a key.
    public init?(_ collection: StoreCollection, _ key: String) {
        guard (1...Self.maximumKeyLength).contains(key.utf8.count), key.utf8.allSatisfy(Self.isAllowed) else {
            return nil
        }
        self.collection = collection
        self.key = key
    }

    public var description: String { "\(collection)/\(key)" }

    public static func < (left: Self, right: Self) -> Bool {
        (left.collection, left.key) < (right.collection, right.key)
    }

    private static func isAllowed(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "_"):
            true
        default: false
        }
    }
}
