import NIOCore

// The usual case by itself: a short data message in one frame, all of which has come.
extension WebSocketFrameReader {
    /// The message that comes next, where it is whole, not compressed, shorter than 65,536 bytes and within every rule but UTF-8's.
    /// Otherwise nothing is taken, and what is wrong is found byte by byte.
    mutating func readWholeMessage(from buffer: inout ByteBuffer) throws(WebSocketError) -> Event? {
        guard let frame = buffer.withUnsafeReadableBytes(wholeFrame) else { return nil }
        buffer.moveReaderIndex(forwardBy: frame.headerCount)
        var mask = frame.mask
        var payload = ByteBuffer()
        if frame.payloadCount > 0 {
            payload = ByteBufferAllocator().buffer(capacity: frame.payloadCount)
            payload.writeWithUnsafeMutableBytes(minimumWritableBytes: frame.payloadCount) { room in
                buffer.readWithUnsafeReadableBytes { bytes in
                    if let base = room.baseAddress {
                        mask.copy(UnsafeRawBufferPointer(rebasing: bytes[..<frame.payloadCount]), to: base)
                    }
                    return frame.payloadCount
                }
                return frame.payloadCount
            }
        }
        guard frame.isText else { return .binary(payload) }
        try validate(payload)
        guard utf8.isComplete else {
            throw WebSocketError(closeCode: .invalidPayload, message: "text ends inside a character")
        }
        return .text(payload)
    }

    private struct WholeFrame {
        var isText: Bool
        var headerCount: Int
        var payloadCount: Int
        var mask: FrameMask
    }

    private func wholeFrame(_ bytes: UnsafeRawBufferPointer) -> WholeFrame? {
        guard bytes.count >= 2 else { return nil }
        let isText = bytes[0] == 0x80 | WebSocketOpcode.text.rawValue
        guard isText || bytes[0] == 0x80 | WebSocketOpcode.binary.rawValue else { return nil }
        guard (bytes[1] & 0x80 != 0) == (role == .server) else { return nil }
        var headerCount = 2
        var payloadCount = Int(bytes[1] & 0x7F)
        if payloadCount == 126 {
            guard bytes.count >= 4 else { return nil }
            headerCount = 4
            payloadCount = Int(bytes[2]) << 8 | Int(bytes[3])
            guard payloadCount >= 126 else { return nil }
        } else if payloadCount == 127 {
            return nil
        }
        guard payloadCount <= limits.maxFrameBytes, payloadCount <= limits.maxMessageBytes else { return nil }
        var mask = FrameMask()
        if role == .server {
            guard bytes.count >= headerCount + 4 else { return nil }
            for place in 0..<4 { mask.takeKey(bytes[headerCount + place]) }
            headerCount += 4
        }
        guard bytes.count >= headerCount + payloadCount else { return nil }
        return WholeFrame(isText: isText, headerCount: headerCount, payloadCount: payloadCount, mask: mask)
    }
}
