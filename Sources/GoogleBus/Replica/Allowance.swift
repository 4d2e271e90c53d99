/// How often something may be done: `count` times within a window of time.
struct Allowance: Sendable {
    let count: Int
    let window: Duration
    private var taken: [ContinuousClock.Instant] = []

    init(_ count: Int, within window: Duration) {
        self.count = count
        self.window = window
    }

    /// - Returns: whether it may be done once more, which then counts as done.
    mutating func take(at now: ContinuousClock.Instant = .now) -> Bool {
        taken.removeAll { now - $0 >= window }
        guard taken.count < count else { return false }
        taken.append(now)
        return true
    }
}
