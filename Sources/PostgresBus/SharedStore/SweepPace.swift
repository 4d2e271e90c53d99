/// When expired entries are removed, as a value: at most every second, and again at once where more of them are left.
struct SweepPace: Sendable {
    /// How many are removed at once, so that nothing behind it waits for long.
    static let most = 1_000
    private static let interval = Duration.seconds(1)

    private var next: ContinuousClock.Instant?

    /// Asks whether to remove some now. Whoever is told so does it.
    mutating func isDue(at now: ContinuousClock.Instant) -> Bool {
        if let next, now < next { return false }
        next = now + Self.interval
        return true
    }

    /// So many were removed.
    mutating func removed(_ number: Int) { if number >= Self.most { next = nil } }
}
