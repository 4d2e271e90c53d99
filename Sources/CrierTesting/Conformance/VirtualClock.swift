public import MessageBus
import NIOConcurrencyHelpers

/// A clock that stands still until it is told to go on.
public final class VirtualClock: Sendable {
    private let time: NIOLockedValueBox<WallTime>

    public init(at start: WallTime = WallTime(seconds: 1_800_000_000)) { time = NIOLockedValueBox(start) }

    public var now: WallTime { time.withLockedValue { $0 } }

    public func advance(milliseconds: Int64) {
        time.withLockedValue { $0 = $0.advanced(byMilliseconds: milliseconds) }
    }

    /// This clock as the product takes one.
    public var wallClock: WallClock { WallClock { [self] in now } }
}
