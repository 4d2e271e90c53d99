/// How long to wait before the next attempt: exponential with full jitter, so that clients that lost one server at the
/// same moment do not all come back at the same moment.
struct Backoff: Sendable, Equatable {
    /// The longest wait, in seconds.
    static let cap = 30.0

    private var ceiling = 1.0

    /// A random wait: between 0 and 1 second at first, twice as long at most each time, 30 seconds in the end.
    mutating func next(using random: inout some RandomNumberGenerator) -> Duration {
        let wait = Double.random(in: 0...ceiling, using: &random)
        ceiling = min(ceiling * 2, Self.cap)
        return .seconds(wait)
    }

    /// The wait that the server asked for and up to a second more, because it asked others for the same.
    mutating func next(retryAfter seconds: Int, using random: inout some RandomNumberGenerator) -> Duration {
        ceiling = min(ceiling * 2, Self.cap)
        return .seconds(seconds) + .seconds(Double.random(in: 0...1, using: &random))
    }

    mutating func reset() { ceiling = 1 }
}

/// The `Retry-After` header in its form of a number of seconds (RFC 9110 §10.2.3); a date is not understood. At most a
/// day.
enum RetryAfter {
    static func seconds(_ header: String?) -> Int? {
        guard let header, let seconds = Int(header), seconds >= 0 else { return nil }
        return min(seconds, 86_400)
    }
}

extension Duration {
    /// For people: `1.2 s`.
    var secondsText: String {
        let tenths = (components.seconds * 10) + components.attoseconds / 100_000_000_000_000_000
        return "\(tenths / 10).\(tenths % 10) s"
    }
}
