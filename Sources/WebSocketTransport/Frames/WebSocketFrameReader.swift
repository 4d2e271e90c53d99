public import NIOCore

/// Bytes in, whole validated messages out (RFC 6455 sections 5 and 7).
///
/// A value without I/O. Headers are taken byte by byte and every rule is applied at the first byte that breaks it, so the outcome does
/// not depend on how the bytes were cut. Lengths are checked before anything is allocated for them, and memory grows with the bytes
/// that came, never with a length that was only announced. Text is validated as it arrives, in the middle of fragments too. Payloads
/// are unmasked straight into the message that they belong to. A compressed message is inflated, and its text validated, when all of
/// it is there. Between messages nothing is held.
public struct WebSocketFrameReader: Sendable {
    /// What came.
    public enum Event: Equatable, Sendable {
        /// A whole text message, valid UTF-8.
        case text(ByteBuffer)
        /// A whole binary message.
        case binary(ByteBuffer)
        case ping(ByteBuffer)
        case pong(ByteBuffer)
        /// A close frame, `nil` if it carried no code. What follows it is discarded (RFC 6455 section 1.4).
        case close(WebSocketCloseCode?, reason: String)
    }

    enum Stage: Sendable {
        case start, length, length16, length64, key, payload, closed, failed
    }

    // Every open socket may have a reader, so the order is that of sizes: no room is lost between members.

    /// The payload so far of the data message, `nil` before its first byte.
    var message: ByteBuffer?
    /// The payload so far of a control frame.
    var control: ByteBuffer?
    /// The payload length while the header is read, then what is left of the payload.
    var length: UInt64 = 0
    let limits: WebSocketLimits.Packed
    var fragments: UInt32 = 0
    var mask = FrameMask()
    var utf8 = UTF8Validator()

    let role: WebSocketRole
    /// Whether messages may be compressed.
    let inflates: Bool
    var stage = Stage.start
    var isFinal = false
    var opcode = WebSocketOpcode.continuation
    /// Bytes of the extended length or of the key that have not come yet.
    var headerBytesLeft: UInt8 = 0
    /// `.text` or `.binary` while a message is under way in fragments.
    var messageOpcode: WebSocketOpcode?
    /// Whether the message under way is compressed.
    var isCompressed = false

    /// - Parameter compression: what the opening handshake agreed on.
    public init(
        role: WebSocketRole, limits: WebSocketLimits = WebSocketLimits(), compression: PerMessageDeflate? = nil
    ) {
        self.role = role
        self.limits = WebSocketLimits.Packed(limits)
        self.inflates = compression != nil
    }

    /// Takes bytes until an event is complete.
    ///
    /// - Parameter buffer: what arrived; the reader index moves past what was used. On `nil` everything was used: the caller keeps
    ///   nothing.
    /// - Returns: the next event, or `nil` if more bytes are needed.
    /// - Throws: the rule that was broken. The reader is of no use after that and throws again.
    public mutating func next(from buffer: inout ByteBuffer) throws(WebSocketError) -> Event? {
        do {
            if isBetweenMessages, let event = try readWholeMessage(from: &buffer) { return event }
            while true {
                if stage != .payload {
                    guard try readHeader(from: &buffer) else { return nil }
                }
                if let event = try readPayload(from: &buffer) { return event }
                if stage == .payload { return nil }
            }
        } catch {
            stage = .failed
            message = nil
            control = nil
            throw error
        }
    }
}

extension WebSocketFrameReader {
    /// The memory held for messages and frames that are not complete, in bytes.
    public var heldBytes: Int {
        (message?.capacity ?? 0) + (control?.capacity ?? 0)
    }

    /// Whether the next byte begins a message or stands between two, and nothing is held: a fresh reader could go on from here. `false`
    /// after a close frame or a violation.
    public var isBetweenMessages: Bool {
        stage == .start && messageOpcode == nil
    }
}
