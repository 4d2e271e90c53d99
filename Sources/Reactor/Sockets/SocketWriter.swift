public import NIOCore

/// The writing side of a connection.
///
/// Isolation: the connection's event loop. Guarantees:
/// 1. *Order.* Bytes reach the peer in the order of the calls.
/// 2. *No callbacks.* No call here calls the connection's owner back: the end of a connection, and that everything pending was written, are told in
///    a later step of the loop. A loop over many connections that writes to each is not interrupted by the end of one.
/// 3. *No wait, no trap, no signal.* After the first failure, and after a close, writes are dropped.
/// 4. *Memory.* Bytes are held only while the kernel refuses them; `pendingBytes` counts them. There is no bound here: the owner compares
///    `pendingBytes` with its own and closes a reader that is too slow.
public protocol SocketWriter: AnyObject {
    /// The event loop of the connection.
    var eventLoop: any EventLoop { get }

    /// Bytes taken and not yet written. 0 means that the next write goes straight to the kernel.
    var pendingBytes: Int { get }

    /// Whether writes are taken.
    var isOpen: Bool { get }

    /// Whether the last bytes are still on their way out.
    var isFinishing: Bool { get }

    /// Its number in the loop's ``DirectSends``; -1 for a writer that has none.
    var directDescriptor: CInt { get }

    /// Writes the bytes after all those written before. A failure closes the connection; after that the bytes are dropped.
    func write(_ bytes: ByteBuffer)

    /// Writes what is left of bytes of which ``DirectSends`` has written the first.
    ///
    /// - Parameter written: what it said of them: a count, or a negative error code.
    func write(_ bytes: ByteBuffer, after written: Int)

    /// Writes the last bytes and leaves the connection open for reading, for 5 seconds at most.
    func writeLast(_ bytes: ByteBuffer)

    /// Writes the last bytes. Once they are written the output is closed, so that the peer reads all of them and then the end; the connection
    /// is closed when the peer ends too, at the latest 5 seconds from now. Until then the input has to be read and discarded.
    func writeThenClose(_ bytes: ByteBuffer)

    /// Closes the connection and drops what is pending.
    func close()
}

extension SocketWriter {
    public var directDescriptor: CInt { -1 }

    public func write(_ bytes: ByteBuffer, after written: Int) { write(bytes) }
}
