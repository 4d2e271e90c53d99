import NIOCore

/// Puts together what a connection's reads have cut. Nothing is copied or held while reads end where pieces do.
struct CutBytes {
    private var rest: ByteBuffer?

    /// - Parameter take: gets what has not been taken, in one piece, and tells how many bytes it has taken.
    mutating func feed(_ bytes: inout ByteBuffer, _ take: (UnsafeRawBufferPointer) -> Int) {
        if var whole = rest {
            rest = nil
            whole.writeBuffer(&bytes)
            whole.moveReaderIndex(forwardBy: whole.withUnsafeReadableBytes(take))
            guard whole.readableBytes > 0 else { return }
            whole.discardReadBytes()
            rest = whole
        } else {
            bytes.moveReaderIndex(forwardBy: bytes.withUnsafeReadableBytes(take))
            // The buffer is the loop's: what stays is copied out of it.
            if bytes.readableBytes > 0 { rest = ByteBuffer(bytes: bytes.readableBytesView) }
        }
    }
}
