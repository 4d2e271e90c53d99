/// How long to wait before each next try: full jitter over 1, 2, 4, … seconds, at most 30.
struct Backoff {
    private var ceiling: Double = 1

    mutating func next() -> Duration {
        defer { ceiling = min(30, ceiling * 2) }
        return .milliseconds(Int64(Double.random(in: 0..<ceiling) * 1000))
    }
}
