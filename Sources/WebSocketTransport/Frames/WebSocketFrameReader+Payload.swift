import NIOCore

extension WebSocketFrameReader {
    /// Takes what is there of the payload. Leaves `stage` at `.payload` if some of it is still to come.
    mutating func readPayload(from buffer: inout ByteBuffer) throws(WebSocketError) -> Event? {
        if opcode.isControl {
            Self.move(&length, from: &buffer, to: &control, mask: &mask)
            guard length == 0 else { return nil }
            stage = .start
            let payload = control ?? ByteBuffer()
            control = nil
            return try controlEvent(payload)
        }
        let start = message?.writerIndex ?? 0
        Self.move(&length, from: &buffer, to: &message, mask: &mask)
        if messageOpcode == .text, !isCompressed, let message, message.writerIndex > start {
            var validator = utf8
            let isValid = message.withUnsafeReadableBytes { bytes in
                validator.consume(UnsafeRawBufferPointer(rebasing: bytes[(start - message.readerIndex)...]))
            }
            utf8 = validator
            guard isValid else { throw WebSocketError(closeCode: .invalidPayload, message: "text is not UTF-8") }
        }
        guard length == 0 else { return nil }
        stage = .start
        return isFinal ? try messageEvent() : nil
    }

    /// Moves up to `length` payload bytes, unmasked, and takes them off `length`.
    private static func move(
        _ length: inout UInt64, from buffer: inout ByteBuffer, to target: inout ByteBuffer?, mask: inout FrameMask
    ) {
        let count = Int(min(length, UInt64(buffer.readableBytes)))
        guard count > 0 else { return }
        var destination = target ?? ByteBufferAllocator().buffer(capacity: count)
        // Otherwise the storage would be shared with `target` while it is written, and so copied.
        target = nil
        destination.writeWithUnsafeMutableBytes(minimumWritableBytes: count) { room in
            buffer.readWithUnsafeReadableBytes { bytes in
                if let base = room.baseAddress {
                    mask.copy(UnsafeRawBufferPointer(rebasing: bytes[..<count]), to: base)
                }
                return count
            }
            return count
        }
        target = destination
        length -= UInt64(count)
    }

    private mutating func messageEvent() throws(WebSocketError) -> Event? {
        var payload = message ?? ByteBuffer()
        let isText = messageOpcode == .text
        message = nil
        messageOpcode = nil
        fragments = 0
        if isCompressed {
            isCompressed = false
            payload = try MessageInflater.inflate(payload, atMost: Int(limits.maxMessageBytes))
            if isText { try validate(payload) }
        }
        guard isText else { return .binary(payload) }
        guard utf8.isComplete else {
            throw WebSocketError(closeCode: .invalidPayload, message: "text ends inside a character")
        }
        return .text(payload)
    }

    /// Text that comes in one piece.
    mutating func validate(_ text: ByteBuffer) throws(WebSocketError) {
        guard text.withUnsafeReadableBytes({ utf8.consume($0) }) else {
            throw WebSocketError(closeCode: .invalidPayload, message: "text is not UTF-8")
        }
    }

    private mutating func controlEvent(_ payload: ByteBuffer) throws(WebSocketError) -> Event {
        switch opcode {
        case .ping:
            return .ping(payload)
        case .pong:
            return .pong(payload)
        default:
            let event = try closeEvent(payload)
            stage = .closed
            message = nil
            return event
        }
    }

    /// RFC 6455 section 5.5.1: nothing, or a code that may be sent and a reason in UTF-8.
    private func closeEvent(_ payload: ByteBuffer) throws(WebSocketError) -> Event {
        guard payload.readableBytes > 0 else { return .close(nil, reason: "") }
        var payload = payload
        guard let raw = payload.readInteger(as: UInt16.self) else {
            throw .framing("close frame with a payload of one byte")
        }
        let code = WebSocketCloseCode(rawValue: raw)
        guard code.mayBeSent else { throw .framing("close code \(raw) may not be sent") }
        var reason = UTF8Validator()
        guard payload.withUnsafeReadableBytes({ reason.consume($0) }), reason.isComplete else {
            throw WebSocketError(closeCode: .invalidPayload, message: "reason of the close frame is not UTF-8")
        }
        return .close(code, reason: String(buffer: payload))
    }
}
