/// How long to wait before each next try: full jitter, so that many who lost the same thing do not come back at once, under a ceiling that doubles.
public struct Backoff: Sendable {
    private var ceiling: Int
    private let highest: Int

    /// - Parameters:
    ///   - first: the first ceiling, in milliseconds.
    ///   - highest: the last one.
    public init(first: Int = 1_000, highest: Int = 30_000) {
        self.ceiling = max(1, first)
        self.highest = max(1, highest)
    }

    /// For VMs that lost the bus, which is to be found soon after it is back.
    public static var toBus: Backoff { Backoff(first: 500, highest: 4_000) }

    public mutating func next() -> Duration {
        defer { ceiling = min(highest, ceiling * 2) }
        return .milliseconds(Int.random(in: 1...ceiling))
    }
}
