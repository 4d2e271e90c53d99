/// A place in the log.
///
/// Epochs increase; a new one begins whenever the log's own continuity cannot be vouched for. Offsets count from 1 and are contiguous
/// inside an epoch; offset 0 stands before the epoch's first alert. Positions order as the log does.
public struct Position: Hashable, Sendable {
    public let epoch: UInt64
    public let offset: UInt64

    /// The largest epoch and offset that an id can carry: 62⁶ − 1.
    public static let maximumComponent: UInt64 = 56_800_235_583

    /// Before everything.
    public static let origin = Position(epoch: 0, offset: 0)

    public init(epoch: UInt64, offset: UInt64) {
        self.epoch = min(epoch, Self.maximumComponent)
        self.offset = min(offset, Self.maximumComponent)
    }

    /// The next offset of the same epoch.
    public var successor: Position { Position(epoch: epoch, offset: offset + 1) }

    /// How many alerts stand after this position up to `head`; across epochs only those of `head`'s are counted.
    func distance(to head: Position) -> UInt64 {
        epoch == head.epoch ? head.offset - min(offset, head.offset) : head.offset
    }

    /// Whether `next` is the alert right after this position, with none between.
    public func isFollowed(by next: Position) -> Bool { next.epoch == epoch && next.offset == offset + 1 }
}

extension Position: Comparable {
    @inlinable
    public static func < (left: Self, right: Self) -> Bool {
        (left.epoch, left.offset) < (right.epoch, right.offset)
    }
}
