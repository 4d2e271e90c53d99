/// How much a `SharedStore` takes and gives, the same in every backend.
public enum StoreLimits {
    /// The longest value, in bytes.
    public static let value = 64 << 10
    /// The most entries that one listing has.
    public static let listedEntries = 10_000
    /// The most bytes that the values of one listing have together.
    public static let listedBytes = 16 << 20
    /// The longest time that an entry lasts without being extended: ten years.
    public static let lifetime = Duration.seconds(315_360_000)

    /// - Throws: `.tooLarge` where a store takes no such value.
    public static func check(_ value: [UInt8]) throws(BusError) {
        guard value.count <= Self.value else {
            throw BusError(.tooLarge, "a value of \(value.count) bytes: the store takes \(Self.value) at most")
        }
    }

    /// How long an entry lasts that is to last for `time`: from one millisecond to `lifetime`, in milliseconds.
    public static func milliseconds(_ time: Duration) -> Int64 {
        let (seconds, attoseconds) = min(max(time, .milliseconds(1)), lifetime).components
        return seconds * 1_000 + attoseconds / 1_000_000_000_000_000
    }

    /// How many entries a listing has that is to have `limit` at most.
    public static func listing(_ limit: Int) -> Int { min(max(0, limit), listedEntries) }

    /// What is thrown where a listing would have more bytes than `listedBytes`.
    public static var listingTooLarge: BusError {
        BusError(.tooLarge, "the values have more than \(listedBytes) bytes together: list fewer at once")
    }
}

extension BusError.Code {
    /// What is to be kept, or listed at once, is larger than a store takes or gives.
    public static let tooLarge = BusError.Code("too_large")
}
