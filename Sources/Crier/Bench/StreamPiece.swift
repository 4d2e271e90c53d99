#if canImport(Musl)
    import Musl
#else
    import Glibc
#endif

/// One frame of a WebSocket, or one event of a stream, in place among the bytes of a connection.
///
/// The server is trusted to send what it should: a reader that verified everything would be slower than the server that it measures.
struct StreamPiece {
    enum Kind: Equatable {
        case text, ping, close, other
        /// Longer than anything that a server of ours sends, or masked.
        case malformed
    }

    let kind: Kind
    let start: Int
    let count: Int
    /// Where the next one begins.
    let end: Int

    func payload(of bytes: UnsafeRawBufferPointer) -> UnsafeRawBufferPointer {
        UnsafeRawBufferPointer(rebasing: bytes[start..<start + count])
    }

    /// Payloads longer than this are malformed: nothing is kept without a bound.
    static let longest = 1 << 20

    /// The frame that begins at `place`, as a server sends it, unmasked (RFC 6455 section 5.2); `nil` until all of it is there.
    static func frame(in bytes: UnsafeRawBufferPointer, at place: Int) -> StreamPiece? {
        let available = bytes.count - place
        guard available >= 2 else { return nil }
        let second = bytes[place + 1]
        var count = Int(second & 0x7F)
        var header = 2
        if second >= 126 {
            guard second < 0x80 else { return malformed(bytes) }
            header = second == 126 ? 4 : 10
            guard available >= header else { return nil }
            count = 0
            for byte in bytes[place + 2..<place + header] {
                count = count << 8 | Int(byte)
                if count > longest { return malformed(bytes) }
            }
        }
        guard available - header >= count else { return nil }
        let kind: Kind
        switch bytes[place] & 0x0F {
        case 0x1: kind = .text
        case 0x8: kind = .close
        case 0x9: kind = .ping
        default: kind = .other
        }
        let start = place + header
        return StreamPiece(kind: kind, start: start, count: count, end: start + count)
    }

    /// The server-sent event that begins at `place`; an empty line ends it. `nil` until that is there.
    static func event(in bytes: UnsafeRawBufferPointer, at place: Int) -> StreamPiece? {
        guard let base = bytes.baseAddress else { return nil }
        var line = place
        while line < bytes.count, let found = memchr(base + line, 0x0A, bytes.count - line) {
            let end = UnsafeRawPointer(found) - base
            if end == line && line > place {
                return StreamPiece(kind: .text, start: place, count: line - place, end: end + 1)
            }
            line = end + 1
        }
        return bytes.count - place > longest ? malformed(bytes) : nil
    }

    private static func malformed(_ bytes: UnsafeRawBufferPointer) -> StreamPiece {
        StreamPiece(kind: .malformed, start: bytes.count, count: 0, end: bytes.count)
    }
}
