/// When a backend that could not be reached is tried again, as a value: after full jitter from 0.1 s to 1 s, doubled with every failure up to 3 s. Who
/// comes earlier gets the last failure.
struct ReconnectGate: Sendable {
    private static let shortest = 0.1
    private static let longest = 3.0

    private var failures = 0
    private var closed: (until: ContinuousClock.Instant, failure: PostgresFailure)?

    /// What to say without trying; `nil` where it is time to try.
    func failure(at now: ContinuousClock.Instant) -> PostgresFailure? {
        guard let closed, now < closed.until else { return nil }
        return closed.failure
    }

    /// - Parameter chance: from 0 to 1, random in the product.
    mutating func failed(
        _ failure: PostgresFailure, at now: ContinuousClock.Instant, chance: Double = .random(in: 0...1)
    ) {
        let highest = min(Self.longest, Double(1 << min(failures, 8)))
        failures += 1
        closed = (now + .seconds(Self.shortest + (highest - Self.shortest) * chance), failure)
    }

    mutating func succeeded() {
        failures = 0
        closed = nil
    }
}
