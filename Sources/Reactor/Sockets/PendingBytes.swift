import DequeModule
import NIOCore

/// What a socket could not write yet. Long pieces are shared with other sockets that wait for the same; short ones are joined.
final class PendingBytes {
    private var pieces: Deque<ByteBuffer> = []
    private(set) var count = 0

    private static let short = 2048

    init() {}

    init(_ bytes: ByteBuffer) { append(bytes) }

    var first: ByteBuffer? { pieces.first }

    func append(_ bytes: ByteBuffer) {
        count += bytes.readableBytes
        let last = pieces.count - 1
        // Not onto the first: some of it may be written already, and it may be shared.
        if last > 0, pieces[last].readableBytes + bytes.readableBytes <= Self.short {
            pieces[last].writeImmutableBuffer(bytes)
        } else {
            pieces.append(bytes)
        }
    }

    /// All of it in one piece.
    func joined() -> ByteBuffer {
        guard pieces.count > 1 else { return pieces.first ?? ByteBuffer() }
        var whole = ByteBufferAllocator().buffer(capacity: count)
        for piece in pieces { whole.writeImmutableBuffer(piece) }
        return whole
    }

    func drop(_ written: Int) {
        count -= written
        guard !pieces.isEmpty else { return }
        pieces[0].moveReaderIndex(forwardBy: written)
        if pieces[0].readableBytes == 0 { pieces.removeFirst() }
    }
}
