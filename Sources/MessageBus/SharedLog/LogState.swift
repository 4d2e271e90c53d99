/// Where the log stands.
public struct LogState: Sendable, Equatable {
    /// The log's end; offset 0 where its epoch has no alert yet.
    public var head: Position
    /// The log's last position before the current epoch, `.origin` where nothing is known to have been before.
    public var predecessor: Position

    public init(head: Position, predecessor: Position) {
        self.head = head
        self.predecessor = predecessor
    }
}

/// How far the log reaches.
public struct LogBounds: Sendable, Equatable {
    /// Everything after this is held.
    public var floor: Position
    /// The position before the alerts that were asked for.
    public var start: Position
    /// The newest alert that is held, whichever epoch it is of; where none is, the log's end.
    public var head: Position

    public init(floor: Position, start: Position, head: Position) {
        self.floor = floor
        self.start = start
        self.head = head
    }
}
