public import NIOCore

/// Encodes frames (RFC 6455 section 5.2).
///
/// A server's frames are not masked and depend on nothing of the connection, so one buffer can be written to every socket.
public enum WebSocketFrameEncoder {
    /// Appends an unmasked text frame. The payload has to be UTF-8, or such text compressed.
    /// - Parameter isCompressed: marks the payload as ``MessageCompressor`` made it (RFC 7692 section 6).
    public static func appendText(_ payload: ByteBuffer, isCompressed: Bool = false, to buffer: inout ByteBuffer) {
        let count = payload.readableBytes
        buffer.reserveCapacity(minimumWritableBytes: count + 10)
        appendHeader(opcode: .text, isFinal: true, isCompressed: isCompressed, count: count, key: nil, to: &buffer)
        buffer.writeImmutableBuffer(payload)
    }

    /// Appends an unmasked text frame. The payload has to be UTF-8, or such text compressed.
    /// - Parameter isCompressed: marks the payload as ``MessageCompressor`` made it (RFC 7692 section 6).
    public static func appendText(
        _ payload: some Collection<UInt8>, isCompressed: Bool = false, to buffer: inout ByteBuffer
    ) {
        let count = payload.count
        buffer.reserveCapacity(minimumWritableBytes: count + 10)
        appendHeader(opcode: .text, isFinal: true, isCompressed: isCompressed, count: count, key: nil, to: &buffer)
        buffer.writeBytes(payload)
    }

    /// Appends a frame.
    /// - Parameter key: the masking key if a client sends it, as the number that its four bytes make in network order.
    public static func append(
        opcode: WebSocketOpcode, isFinal: Bool = true, payload: ByteBuffer, masked key: UInt32? = nil,
        to buffer: inout ByteBuffer
    ) {
        let count = payload.readableBytes
        buffer.reserveCapacity(minimumWritableBytes: count + 14)
        appendHeader(opcode: opcode, isFinal: isFinal, count: count, key: key, to: &buffer)
        guard let key else {
            buffer.writeImmutableBuffer(payload)
            return
        }
        var mask = FrameMask(networkOrder: key)
        payload.withUnsafeReadableBytes { bytes in
            _ = buffer.writeWithUnsafeMutableBytes(minimumWritableBytes: count) { room in
                if let base = room.baseAddress { mask.copy(bytes, to: base) }
                return count
            }
        }
    }

    /// One frame by itself.
    public static func frame(
        opcode: WebSocketOpcode, isFinal: Bool = true, payload: ByteBuffer = ByteBuffer(), masked key: UInt32? = nil
    ) -> ByteBuffer {
        var buffer = ByteBuffer()
        append(opcode: opcode, isFinal: isFinal, payload: payload, masked: key, to: &buffer)
        return buffer
    }

    /// A close frame.
    /// - Parameters:
    ///   - code: the status; `nil`, or one that may not be sent, makes a frame without a payload.
    ///   - reason: for people; cut after the last character that fits the 123 bytes there are.
    public static func closeFrame(
        code: WebSocketCloseCode?, reason: String = "", masked key: UInt32? = nil
    ) -> ByteBuffer {
        var payload = ByteBuffer()
        if let code, code.mayBeSent {
            payload.writeInteger(code.rawValue)
            payload.writeBytes(prefix(of: reason, atMost: 123))
        }
        return frame(opcode: .close, payload: payload, masked: key)
    }

    /// A ping; of the payload, 125 bytes at most are used.
    public static func ping(payload: ByteBuffer = ByteBuffer(), masked key: UInt32? = nil) -> ByteBuffer {
        control(.ping, payload: payload, masked: key)
    }

    /// A pong; of the payload, 125 bytes at most are used.
    public static func pong(payload: ByteBuffer = ByteBuffer(), masked key: UInt32? = nil) -> ByteBuffer {
        control(.pong, payload: payload, masked: key)
    }

    private static func control(_ opcode: WebSocketOpcode, payload: ByteBuffer, masked key: UInt32?) -> ByteBuffer {
        var payload = payload
        let slice = payload.readSlice(length: min(125, payload.readableBytes)) ?? ByteBuffer()
        return frame(opcode: opcode, payload: slice, masked: key)
    }

    private static func appendHeader(
        opcode: WebSocketOpcode, isFinal: Bool, isCompressed: Bool = false, count: Int, key: UInt32?,
        to buffer: inout ByteBuffer
    ) {
        let maskBit: UInt8 = key == nil ? 0 : 0x80
        buffer.writeInteger((isFinal ? 0x80 : 0) | (isCompressed ? 0x40 : 0) | opcode.rawValue)
        switch count {
        case ..<126:
            buffer.writeInteger(maskBit | UInt8(count))
        case ..<65_536:
            buffer.writeInteger(maskBit | 126)
            buffer.writeInteger(UInt16(count))
        default:
            buffer.writeInteger(maskBit | 127)
            buffer.writeInteger(UInt64(count))
        }
        if let key { buffer.writeInteger(key) }
    }

    /// The bytes of the longest prefix of whole characters (Unicode scalars) within the limit.
    private static func prefix(of text: String, atMost limit: Int) -> Substring.UTF8View {
        guard text.utf8.count > limit else { return text[...].utf8 }
        var end = text.utf8.index(text.utf8.startIndex, offsetBy: limit)
        while text.utf8[end] & 0xC0 == 0x80 { end = text.utf8.index(before: end) }
        return text.utf8[..<end]
    }
}
