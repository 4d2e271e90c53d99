/// What one connection may ask its reader to hold.
public struct WebSocketLimits: Sendable, Equatable {
    /// The largest payload of one frame, in bytes.
    public var maxFrameBytes: Int
    /// The largest payload of one message, in bytes, all its fragments together.
    public var maxMessageBytes: Int
    /// The most frames that one message may come in.
    public var maxFragments: Int

    public init(maxFrameBytes: Int = 65_536, maxMessageBytes: Int = 65_536, maxFragments: Int = 64) {
        self.maxFrameBytes = maxFrameBytes
        self.maxMessageBytes = maxMessageBytes
        self.maxFragments = maxFragments
    }
}
