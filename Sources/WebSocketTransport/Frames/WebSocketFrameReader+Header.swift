import NIOCore

extension WebSocketFrameReader {
    /// Returns whether the header is complete.
    mutating func readHeader(from buffer: inout ByteBuffer) throws(WebSocketError) -> Bool {
        while true {
            switch stage {
            case .payload:
                return true
            case .closed:
                buffer.moveReaderIndex(to: buffer.writerIndex)
                return false
            case .failed:
                throw .framing("bytes after a violation of the protocol")
            case .start:
                guard let byte = buffer.readInteger(as: UInt8.self) else { return false }
                try takeFirst(byte)
            case .length:
                guard let byte = buffer.readInteger(as: UInt8.self) else { return false }
                try takeSecond(byte)
            case .length16, .length64:
                guard let byte = buffer.readInteger(as: UInt8.self) else { return false }
                try takeLength(byte)
            case .key:
                guard let byte = buffer.readInteger(as: UInt8.self) else { return false }
                mask.takeKey(byte)
                headerBytesLeft -= 1
                if headerBytesLeft == 0 { stage = .payload }
            }
        }
    }

    /// Flags and opcode.
    private mutating func takeFirst(_ byte: UInt8) throws(WebSocketError) {
        let isMarked = byte & 0x40 != 0
        guard byte & 0x30 == 0, !isMarked || inflates else {
            throw .framing("reserved bit set without an extension that defines it")
        }
        guard let opcode = WebSocketOpcode(rawValue: byte & 0x0F) else {
            throw .framing("reserved opcode \(byte & 0x0F)")
        }
        // RFC 7692 section 6: the bit of the first frame is that of the message.
        guard !isMarked || opcode == .text || opcode == .binary else {
            throw .framing("RSV1 set on a frame that begins no message")
        }
        isFinal = byte & 0x80 != 0
        switch opcode {
        case .close, .ping, .pong:
            guard isFinal else { throw .framing("fragmented control frame") }
        case .text, .binary:
            guard messageOpcode == nil else {
                throw .framing("new message before the last fragment of the one under way")
            }
            messageOpcode = opcode
            isCompressed = isMarked
            fragments = 1
        case .continuation:
            guard messageOpcode != nil else { throw .framing("continuation frame without a message to continue") }
            guard fragments < limits.maxFragments else {
                throw WebSocketError(
                    closeCode: .policyViolation, message: "message in more than \(limits.maxFragments) fragments")
            }
            fragments += 1
        }
        self.opcode = opcode
        stage = .length
    }

    /// Mask bit and short length.
    private mutating func takeSecond(_ byte: UInt8) throws(WebSocketError) {
        let isMasked = byte & 0x80 != 0
        switch role {
        case .server where !isMasked: throw .framing("frame of a client without a mask")
        case .client where isMasked: throw .framing("frame of a server with a mask")
        default: break
        }
        let short = byte & 0x7F
        guard !opcode.isControl || short <= 125 else { throw .framing("control frame of more than 125 bytes") }
        length = 0
        switch short {
        case 126:
            headerBytesLeft = 2
            stage = .length16
        case 127:
            headerBytesLeft = 8
            stage = .length64
        default:
            length = UInt64(short)
            try lengthIsKnown()
        }
    }

    /// One byte of an extended length.
    private mutating func takeLength(_ byte: UInt8) throws(WebSocketError) {
        guard headerBytesLeft < 8 || byte & 0x80 == 0 else {
            throw .framing("64-bit length with its most significant bit set")
        }
        length = length << 8 | UInt64(byte)
        headerBytesLeft -= 1
        guard headerBytesLeft == 0 else { return }
        guard length >= (stage == .length16 ? 126 : 65_536) else {
            throw .framing("length \(length) is not in its shortest encoding")
        }
        try lengthIsKnown()
    }

    /// The limits, before a byte of the payload is taken.
    private mutating func lengthIsKnown() throws(WebSocketError) {
        if !opcode.isControl {
            guard length <= UInt64(limits.maxFrameBytes) else {
                throw WebSocketError(
                    closeCode: .messageTooBig, message: "frame of \(length) bytes, at most \(limits.maxFrameBytes)")
            }
            // Both are below the frame's and the message's limit: the sum cannot overflow.
            let total = UInt64(message?.readableBytes ?? 0) + length
            guard total <= UInt64(limits.maxMessageBytes) else {
                throw WebSocketError(
                    closeCode: .messageTooBig, message: "message of \(total) bytes, at most \(limits.maxMessageBytes)")
            }
        }
        switch role {
        case .server:
            headerBytesLeft = 4
            stage = .key
        case .client:
            mask = FrameMask()
            stage = .payload
        }
    }
}
