public import NIOCore

#if canImport(Darwin)
    import Darwin
#elseif canImport(Musl)
    import Musl
#else
    import Glibc
#endif

/// The one place that writes to a socket.
///
/// While nothing is pending, bytes go to the kernel by `send` on the socket's descriptor, past the channel pipeline. What the kernel does
/// not take, and everything written while something is pending, goes through the channel's `writeAndFlush`.
///
/// Isolation: used on the channel's event loop only, from `init` on.
///
/// Invariants:
/// 1. *Order.* Bytes reach the peer in the order of the calls. `send` is used only while `pendingBytes` is 0, that is, while the channel
///    holds none of the bytes written before; `init` counts what the channel already held.
/// 2. *Descriptor.* The descriptor is used only while `channel.isActive` is true. The channel closes its descriptor on this event loop
///    and is inactive before any other code can run there, so a number that the system has given to another file is never used.
/// 3. *No callbacks.* ``write(_:)``, ``writeThenClose(_:)`` and ``close()`` do not call the owner: a failed `send` closes the channel in
///    a later turn of the loop, and a handler puts off what the channel reports while ``isBusy``, as ``WebSocketHandler`` does.
/// 4. *No signal, no trap, no wait.* `send` gets `MSG_NOSIGNAL` and `MSG_DONTWAIT`. After the first failure, and after a close, writes are dropped.
/// 5. *Memory.* Bytes are held only while the kernel refuses them, and `pendingBytes` counts them. There is no bound here: the owner
///    compares `pendingBytes` with its own and closes a reader that is too slow.
public final class SocketWriter {
    private enum State {
        /// Takes writes.
        case open
        /// The last bytes were given; the channel stays as it is.
        case sealed
        /// The last bytes were given; the output is closed once they are written.
        case finishing
        /// Closed, or about to be after a failure.
        case closed
    }

    /// What waits for the writer, told on the event loop and never from inside a call.
    public protocol Owner: AnyObject {
        /// `pendingBytes` is 0 again.
        func drained()
    }

    /// How long a connection may take to end once its last bytes were written or queued.
    static let closingBound = TimeAmount.seconds(5)

    private let channel: any Channel
    private let descriptor: CInt
    private var state = State.open

    /// Whether a call is under way. The channel may report an error, its end or left-over bytes to the handlers during one; a handler that
    /// sees `true` then passes that on in a later turn of the loop, so that nobody is called back from inside a write.
    public private(set) var isBusy = false
    /// Told when everything is written. Set by the handler that owns the writer, and cleared when it leaves the pipeline: this breaks the
    /// reference cycle.
    public var owner: (any Owner)?

    /// Bytes handed to the channel and not yet written. 0 means that the next write goes straight to the kernel.
    public private(set) var pendingBytes = 0

    /// Whether writes are taken.
    public var isOpen: Bool { state == .open && channel.isActive }

    /// - Parameters:
    ///   - channel: any channel; called on its event loop.
    ///   - bypassesPipeline: `false` where an outbound handler has to see the bytes, as with TLS. Without a socket below, as in
    ///     `EmbeddedChannel`, everything goes through the pipeline anyway.
    public init(channel: any Channel, bypassesPipeline: Bool = true) {
        channel.eventLoop.preconditionInEventLoop()
        self.channel = channel
        if bypassesPipeline, channel.isActive,
            let handle = try? channel.pipeline.syncOperations.withUnsafeTransportIfAvailable(
                of: NIOBSDSocket.Handle.self, { CInt($0) })
        {
            descriptor = handle
            awaitEarlierWrites()
        } else {
            descriptor = -1
        }
    }

    /// Writes the bytes after all those written before. Never blocks. A failure closes the channel; after that the bytes are dropped.
    public func write(_ bytes: ByteBuffer) {
        guard state == .open else { return }
        put(bytes)
    }

    /// Writes the last bytes. Once they are written the output is closed, so that the peer reads all of them and then the end; the channel
    /// is closed when the peer ends too, at the latest 5 seconds from now. Until then the input has to be read and discarded.
    public func writeThenClose(_ bytes: ByteBuffer) {
        guard state == .open || state == .sealed else { return }
        put(bytes)
        guard state != .closed else { return }
        if state == .open { closeLater() }
        state = .finishing
        if pendingBytes == 0 { closeOutput() }
    }

    /// Closes the channel now and drops what is pending.
    public func close() {
        guard state != .closed else { return }
        state = .closed
        guarded { channel.close(mode: .all, promise: nil) }
    }

    /// Writes the last bytes and leaves the channel open for reading, for 5 seconds at most.
    func writeLast(_ bytes: ByteBuffer) {
        guard state == .open else { return }
        put(bytes)
        guard state != .closed else { return }
        state = .sealed
        closeLater()
    }

    /// Whether the last bytes are still on their way out.
    var isFinishing: Bool { state == .finishing && pendingBytes > 0 }

    // MARK: Paths

    private func put(_ bytes: ByteBuffer) {
        let count = bytes.readableBytes
        guard count > 0 else { return }
        guard pendingBytes == 0, descriptor >= 0, channel.isActive else {
            queue(bytes)
            return
        }
        let sent = bytes.withUnsafeReadableBytes { Self.send($0, to: descriptor) }
        if sent == count { return }
        if sent >= 0 {
            var rest = bytes
            rest.moveReaderIndex(forwardBy: sent)
            queue(rest)
            return
        }
        switch errno {
        case EAGAIN, EWOULDBLOCK, EINTR, ENOBUFS, ENOMEM:
            queue(bytes)
        case let code:
            fail(IOError(errnoCode: code, reason: "send"))
        }
    }

    private func queue(_ bytes: ByteBuffer) {
        let count = bytes.readableBytes
        let promise = channel.eventLoop.makePromise(of: Void.self)
        pendingBytes += count
        promise.futureResult.assumeIsolated().whenComplete { [self] result in
            wrote(count, failed: (try? result.get()) == nil)
        }
        guarded { channel.writeAndFlush(bytes, promise: promise) }
    }

    private func wrote(_ count: Int, failed: Bool) {
        pendingBytes -= count
        if failed {
            guard state != .closed else { return }
            state = .closed
            let channel = channel
            channel.eventLoop.execute { channel.close(mode: .all, promise: nil) }
            return
        }
        guard pendingBytes == 0 else { return }
        switch state {
        case .finishing where !isBusy: closeOutput()
        case .open where !isBusy: owner?.drained()
        default: break
        }
    }

    /// What the channel already holds goes out first: the direct path stays shut until then.
    private func awaitEarlierWrites() {
        let held = try? channel.syncOptions?.getOption(.bufferedWritableBytes)
        guard let held, held > 0 else { return }
        let promise = channel.eventLoop.makePromise(of: Void.self)
        pendingBytes += held
        promise.futureResult.assumeIsolated().whenComplete { [self] result in
            wrote(held, failed: (try? result.get()) == nil)
        }
        guarded { channel.writeAndFlush(ByteBuffer(), promise: promise) }
    }

    // MARK: Ends

    private func fail(_ error: IOError) {
        state = .closed
        let channel = channel
        channel.eventLoop.execute {
            channel.pipeline.fireErrorCaught(error)
            channel.close(mode: .all, promise: nil)
        }
    }

    private func closeOutput() {
        guarded { channel.close(mode: .output, promise: nil) }
    }

    private func closeLater() {
        let channel = channel
        channel.eventLoop.scheduleTask(in: Self.closingBound) { channel.close(mode: .all, promise: nil) }
    }

    private func guarded(_ body: () -> Void) {
        let wasBusy = isBusy
        isBusy = true
        body()
        isBusy = wasBusy
    }

    private static func send(_ bytes: UnsafeRawBufferPointer, to descriptor: CInt) -> Int {
        #if canImport(Darwin)
            // The channel has set SO_NOSIGPIPE.
            Darwin.send(descriptor, bytes.baseAddress, bytes.count, MSG_DONTWAIT)
        #elseif canImport(Musl)
            Musl.send(descriptor, bytes.baseAddress, bytes.count, CInt(MSG_DONTWAIT) | CInt(MSG_NOSIGNAL))
        #else
            Glibc.send(descriptor, bytes.baseAddress, bytes.count, CInt(MSG_DONTWAIT) | CInt(MSG_NOSIGNAL))
        #endif
    }
}

@available(*, unavailable)
extension SocketWriter: Sendable {}
