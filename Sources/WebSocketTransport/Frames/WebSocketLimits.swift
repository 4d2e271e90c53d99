/// What one connection may ask its reader to hold. More than 2^31 - 1 of anything counts as that.
public struct WebSocketLimits: Sendable, Equatable {
    /// The largest payload of one frame, in bytes.
    public var maxFrameBytes: Int
    /// The largest payload of one message, in bytes, all its fragments together; of a compressed one, as it comes and inflated.
    public var maxMessageBytes: Int
    /// The most frames that one message may come in.
    public var maxFragments: Int

    public init(maxFrameBytes: Int = 65_536, maxMessageBytes: Int = 65_536, maxFragments: Int = 64) {
        self.maxFrameBytes = maxFrameBytes
        self.maxMessageBytes = maxMessageBytes
        self.maxFragments = maxFragments
    }

    /// The same in half the memory: every open socket has a reader.
    struct Packed: Sendable {
        let maxFrameBytes: UInt32
        let maxMessageBytes: UInt32
        let maxFragments: UInt32

        init(_ limits: WebSocketLimits) {
            maxFrameBytes = Self.pack(limits.maxFrameBytes)
            maxMessageBytes = Self.pack(limits.maxMessageBytes)
            maxFragments = Self.pack(limits.maxFragments)
        }

        private static func pack(_ limit: Int) -> UInt32 { UInt32(max(0, min(limit, Int(Int32.max)))) }
    }
}
