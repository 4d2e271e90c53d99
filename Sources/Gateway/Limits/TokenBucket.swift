import NIOCore

/// How many in a second, and how many at once.
public struct Rate: Sendable, Equatable {
    public let perSecond: Int
    public let burst: Int

    public init(perSecond: Int, burst: Int) {
        self.perSecond = perSecond
        self.burst = max(burst, 1)
    }
}

/// A rate as a value: holds up to `burst` tokens, gains `perSecond` a second, an event takes one.
struct TokenBucket: Sendable {
    private var tokens: Float
    private var last: NIODeadline

    init(_ rate: Rate, now: NIODeadline) {
        self.tokens = Float(rate.burst)
        self.last = now
    }

    /// - Returns: 0 where the event may happen, else after how many whole seconds it may.
    mutating func take(_ count: Int = 1, of rate: Rate, now: NIODeadline) -> Int {
        refill(rate, now: now)
        let needed = Float(min(count, rate.burst))
        if tokens >= needed {
            tokens -= needed
            return 0
        }
        return max(1, Int(((needed - tokens) / Float(max(1, rate.perSecond))).rounded(.up)))
    }

    /// Whether it is as a new one would be.
    mutating func isFull(_ rate: Rate, now: NIODeadline) -> Bool {
        refill(rate, now: now)
        return tokens >= Float(rate.burst)
    }

    private mutating func refill(_ rate: Rate, now: NIODeadline) {
        guard now > last else { return }
        let seconds = Float((now - last).nanoseconds) / 1_000_000_000
        tokens = min(Float(rate.burst), tokens + seconds * Float(rate.perSecond))
        last = now
    }
}
