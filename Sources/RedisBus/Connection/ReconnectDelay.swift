import NIOCore

/// How long to leave a server alone after connecting failed: at random between a tenth of a second and a bound that doubles from one second to three.
struct ReconnectDelay: Sendable, Equatable {
    private static let minimum = TimeAmount.milliseconds(100)
    private static let maximum = TimeAmount.seconds(3)

    private var bound = TimeAmount.seconds(1)

    /// The delay after one more failure.
    mutating func next(using generator: inout some RandomNumberGenerator) -> TimeAmount {
        let delay = Int64.random(in: Self.minimum.nanoseconds...bound.nanoseconds, using: &generator)
        bound = min(bound * 2, Self.maximum)
        return .nanoseconds(delay)
    }

    /// Connecting succeeded.
    mutating func reset() { self = ReconnectDelay() }
}
