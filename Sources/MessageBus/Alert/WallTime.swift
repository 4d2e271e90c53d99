#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// A moment of civil time in milliseconds since 1970-01-01T00:00:00Z.
public struct WallTime: Hashable, Comparable, Sendable {
    public var milliseconds: Int64

    public init(milliseconds: Int64) { self.milliseconds = milliseconds }

    public init(seconds: Int64) {
        let (product, overflow) = seconds.multipliedReportingOverflow(by: 1000)
        self.milliseconds = overflow ? (seconds < 0 ? .min : .max) : product
    }

    /// Whole seconds, rounded down.
    public var seconds: Int64 { milliseconds / 1000 }

    public static func < (left: Self, right: Self) -> Bool { left.milliseconds < right.milliseconds }

    /// The sum, held at the ends of the range instead of overflowing.
    public func advanced(byMilliseconds delta: Int64) -> WallTime {
        let (sum, overflow) = milliseconds.addingReportingOverflow(delta)
        return WallTime(milliseconds: overflow ? (delta < 0 ? .min : .max) : sum)
    }
}

/// Where the time comes from: the machine's clock in the product, a clock of the test's own in tests.
public struct WallClock: Sendable {
    public let now: @Sendable () -> WallTime

    public init(now: @escaping @Sendable () -> WallTime) { self.now = now }

    /// The machine's real-time clock.
    public static let system = WallClock {
        var time = timespec()
        clock_gettime(CLOCK_REALTIME, &time)
        return WallTime(milliseconds: Int64(time.tv_sec) * 1000 + Int64(time.tv_nsec) / 1_000_000)
    }
}
