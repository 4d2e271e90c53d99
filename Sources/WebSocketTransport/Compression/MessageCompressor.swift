import CZlib

/// Compresses messages for permessage-deflate without context takeover (RFC 7692 section 7.2.1): the result depends on nothing but the
/// message, so that every socket that has agreed on it can be sent the same bytes.
public enum MessageCompressor {
    /// The balance between time and size that zlib itself takes for the usual one.
    private static let level: CInt = 6
    /// What ends the data and is left away.
    private static let end: [UInt8] = [0x00, 0x00, 0xFF, 0xFF]

    /// The payload of a compressed message, which goes out with RSV1 set; `nil` where it would not be shorter than the message.
    ///
    /// zlib's state lives as long as the call. It is made no larger than the message needs, some 20 KB for an alert, so that making it
    /// costs as much as resetting one that was kept, and no thread has to own one.
    public static func compress(_ message: [UInt8]) -> [UInt8]? {
        guard message.count > 1, message.count <= Int(CInt.max) else { return nil }
        var stream = z_stream()
        let bits = windowBits(for: message.count)
        // A hash table of as many places as the window has bytes.
        let memory = bits - 7
        guard
            deflateInit2_(
                &stream, level, Z_DEFLATED, -bits, memory, Z_DEFAULT_STRATEGY, ZLIB_VERSION,
                CInt(MemoryLayout<z_stream>.size)) == Z_OK
        else { return nil }
        defer { deflateEnd(&stream) }
        // zlib has written all there is only if it leaves room over: one byte. With the end left away the result is then shorter than the
        // message.
        return withUnsafeTemporaryAllocation(of: UInt8.self, capacity: message.count + end.count) { room in
            message.withUnsafeBufferPointer { bytes in
                stream.next_in = bytes.baseAddress
                stream.avail_in = CUnsignedInt(bytes.count)
                stream.next_out = room.baseAddress
                stream.avail_out = CUnsignedInt(room.count)
                guard deflate(&stream, Z_SYNC_FLUSH) == Z_OK, stream.avail_in == 0, stream.avail_out > 0 else {
                    return nil
                }
                let written = room[..<(room.count - Int(stream.avail_out))]
                guard written.count > end.count, written.suffix(end.count).elementsEqual(end) else { return nil }
                return Array(written.dropLast(end.count))
            }
        }
    }

    /// The smallest window in which everything in the message can refer to everything before it: zlib keeps 262 bytes of a window free.
    /// The client reads with the largest one, 15, so any is right.
    private static func windowBits(for count: Int) -> CInt {
        var bits: CInt = 9
        while bits < MAX_WBITS, 1 << Int(bits) < count + 262 { bits += 1 }
        return bits
    }
}
