import CZlib
import NIOCore

/// Undoes the compression of one message (RFC 7692 section 7.2.2).
///
/// zlib's state lives as long as a call: making it costs a few percent of reading even a short message, so that it is worth keeping for
/// nobody.
enum MessageInflater {
    /// The four bytes that a sender leaves away, which end its last block, and an empty final block after them: zlib sees an end of the
    /// data, tells it from data that breaks off, and needs no window of its own.
    private static let end: [UInt8] = [0x00, 0x00, 0xFF, 0xFF, 0x01, 0x00, 0x00, 0xFF, 0xFF]
    /// Text of a few hundred bytes becomes about a third as long.
    private static let usualGrowth = 4

    /// - Parameters:
    ///   - payload: of all frames of the message.
    ///   - limit: the most bytes that the message may have; what is longer is given up there.
    /// - Throws: ``WebSocketCloseCode/messageTooBig``, or ``WebSocketCloseCode/invalidPayload`` where the data is broken or breaks off.
    static func inflate(_ payload: ByteBuffer, atMost limit: Int) throws(WebSocketError) -> ByteBuffer {
        var input = payload
        input.writeBytes(end)
        var output = ByteBufferAllocator().buffer(
            capacity: min(limit + 1, max(64, usualGrowth * payload.readableBytes)))
        var stream = z_stream()
        guard inflateInit2_(&stream, -MAX_WBITS, ZLIB_VERSION, CInt(MemoryLayout<z_stream>.size)) == Z_OK else {
            throw .noMemory
        }
        defer { inflateEnd(&stream) }
        let outcome = input.withUnsafeReadableBytes { bytes in
            read(bytes.bindMemory(to: UInt8.self), with: &stream, into: &output, atMost: limit)
        }
        switch outcome {
        case .whole: return output
        case .tooBig:
            throw WebSocketError(
                closeCode: .messageTooBig, message: "compressed message of more than \(limit) bytes")
        case .broken: throw WebSocketError(closeCode: .invalidPayload, message: "compressed message is broken")
        case .noMemory: throw .noMemory
        }
    }

    private enum Outcome {
        case whole, tooBig, broken, noMemory
    }

    private static func read(
        _ input: UnsafeBufferPointer<UInt8>, with stream: inout z_stream, into output: inout ByteBuffer,
        atMost limit: Int
    ) -> Outcome {
        stream.next_in = input.baseAddress
        stream.avail_in = CUnsignedInt(input.count)
        while true {
            // One byte past the limit tells a message that fits from one that does not.
            let room = min(max(output.writableBytes, output.readableBytes, 64), limit + 1 - output.readableBytes)
            var code = Z_OK
            output.writeWithUnsafeMutableBytes(minimumWritableBytes: room) { free in
                stream.next_out = free.bindMemory(to: UInt8.self).baseAddress
                stream.avail_out = CUnsignedInt(room)
                code = CZlib.inflate(&stream, Z_FINISH)
                return room - Int(stream.avail_out)
            }
            guard output.readableBytes <= limit else { return .tooBig }
            switch code {
            case Z_STREAM_END:
                if stream.avail_in == 0 { return .whole }
                // A sender may end blocks as final ones and go on (section 7.2.1); nothing refers back across these.
                guard inflateReset(&stream) == Z_OK else { return .broken }
            case Z_OK, Z_BUF_ERROR:
                // With room left over, what is missing is input.
                guard stream.avail_out == 0 else { return .broken }
            case Z_MEM_ERROR:
                return .noMemory
            default:
                return .broken
            }
        }
    }
}

extension WebSocketError {
    fileprivate static let noMemory = WebSocketError(
        closeCode: .internalError, message: "no memory for a compressed message")
}
