import CLinux
public import NIOCore

#if canImport(Musl)
    import Musl
#else
    import Glibc
#endif

/// A connected stream socket on a ``ReactorLoop``.
///
/// Writes go to the kernel by `send` at once while nothing is pending; what it does not take waits here until the socket is writable. An idle
/// connection holds no buffer.
///
/// Isolation: its loop, from `init` on. Besides ``SocketWriter``'s guarantees: the descriptor stays this socket's until the end of the turn in
/// which it was closed, so a number that the system has given to another file is never used.
public final class StreamSocket: PolledDescriptor, SocketWriter {
    private enum State: UInt8 {
        /// Takes writes.
        case open
        /// The last bytes were given; the connection stays as it is.
        case sealed
        /// The last bytes were given; the output is closed once they are written.
        case finishing
        /// Closed, or about to be after a failure.
        case closed
        /// Given away.
        case released
    }

    /// How long a connection may take to end once its last bytes were written or queued.
    static let closingBound = TimeAmount.seconds(5)

    /// The loop that it lives on.
    public unowned let loop: ReactorLoop
    /// What lives on it, set by whoever makes the socket; held until the connection is gone.
    public var handler: (any SocketHandler)?
    private var state = State.open {
        didSet { if state != .open { loop.directSends.set(number, open: false) } }
    }
    private var isReading = true
    private var hasInputEnded = false
    private var failure: CInt = 0
    private var pending: PendingBytes? {
        didSet { loop.directSends.set(number, open: state == .open && pending == nil) }
    }
    private var keepsake: AnyObject?

    /// Takes a connected, non-blocking descriptor over and begins to read. The loop keeps the socket until it is closed.
    ///
    /// - Parameter keepsake: held as long as the socket has the descriptor.
    /// - Throws: where the loop cannot watch it; the descriptor is still the caller's then.
    public init(
        adopting descriptor: CInt, on loop: ReactorLoop, keepsake: AnyObject? = nil
    ) throws(SocketError) {
        self.loop = loop
        self.keepsake = keepsake
        super.init(number: descriptor)
        try loop.register(self, for: [.readable, .ended])
        loop.directSends.set(descriptor, open: true)
    }

    /// Its number in ``ReactorLoop/directSends``.
    public var directDescriptor: CInt { number }

    public var eventLoop: any EventLoop { loop }

    /// Bytes that wait until the kernel takes them.
    public var pendingBytes: Int { pending?.count ?? 0 }

    public var isOpen: Bool { state == .open }

    public var isFinishing: Bool { state == .finishing && pending != nil }

    // MARK: Writing

    /// Joins what `body` writes into one write at its end.
    public func joiningWrites(_ body: () -> Void) {
        guard state == .open, pending == nil else { return body() }
        let held = PendingBytes()
        pending = held
        body()
        guard state != .closed && state != .released else { return }
        pending = nil
        put(held.joined())
        guard pending == nil else { return }
        if state == .finishing { shutdown(number, CInt(SHUT_WR)) }
        // Whoever waited for these bytes to be written goes on.
        let bound = NIOLoopBound(self, eventLoop: loop)
        if held.count >= Self.worthTelling { loop.execute { bound.value.tellDrained() } }
    }

    /// So many bytes may have made their writer wait.
    private static let worthTelling = 16 * 1024

    private func tellDrained() {
        if state == .open && pending == nil { handler?.drained() }
    }

    public func write(_ bytes: ByteBuffer) {
        guard state == .open else { return }
        put(bytes)
    }

    public func writeLast(_ bytes: ByteBuffer) {
        guard state == .open else { return }
        put(bytes)
        guard state != .closed else { return }
        state = .sealed
        closeLater()
    }

    public func writeThenClose(_ bytes: ByteBuffer) {
        guard state == .open || state == .sealed else { return }
        put(bytes)
        guard state != .closed else { return }
        if state == .open { closeLater() }
        state = .finishing
        if pending == nil { shutdown(number, CInt(SHUT_WR)) }
    }

    public override func close() {
        guard state != .closed && state != .released else { return }
        state = .closed
        pending = nil
        loop.closeSoon(self)
    }

    /// Writes what is left of bytes of which the first were given to ``DirectSends``.
    ///
    /// - Parameter written: what it said of them: a count, or a negative error code.
    public func write(_ bytes: ByteBuffer, after written: Int) {
        guard state == .open else { return }
        if written < 0, let code = Self.failure(written) { return fail(code) }
        var rest = bytes
        rest.moveReaderIndex(forwardBy: max(0, written))
        put(rest)
    }

    private func put(_ bytes: ByteBuffer) {
        let count = bytes.readableBytes
        guard count > 0 else { return }
        if let pending { return pending.append(bytes) }
        let sent = bytes.withUnsafeReadableBytes { crier_send(number, $0.baseAddress, $0.count) }
        if sent == count { return }
        if sent < 0, let code = Self.failure(sent) { return fail(code) }
        var rest = bytes
        rest.moveReaderIndex(forwardBy: max(0, sent))
        pending = PendingBytes(rest)
        watch()
    }

    private func writePending() {
        guard let pending, state != .closed else { return }
        while let first = pending.first {
            let sent = first.withUnsafeReadableBytes { crier_send(number, $0.baseAddress, $0.count) }
            if sent < 0 {
                if let code = Self.failure(sent) { fail(code) }
                return
            }
            pending.drop(sent)
            // A full buffer is not asked again before it says that it has room.
            if sent < first.readableBytes { return }
        }
        self.pending = nil
        watch()
        switch state {
        case .finishing: shutdown(number, CInt(SHUT_WR))
        case .open: handler?.drained()
        case .sealed, .closed, .released: break
        }
    }

    /// The error of a negative result that is one for good.
    private static func failure(_ result: Int) -> CInt? {
        let code = CInt(truncatingIfNeeded: -result)
        return isTemporary(code) ? nil : code
    }

    private static func isTemporary(_ code: CInt) -> Bool {
        code == EAGAIN || code == EWOULDBLOCK || code == EINTR || code == ENOBUFS || code == ENOMEM
    }

    // MARK: Reading

    override func ready(_ readiness: Readiness) {
        guard state != .closed else { return }
        if readiness.contains(.writable) { writePending() }
        if !readiness.isDisjoint(with: [.readable, .ended, .broken]) && state != .closed { read() }
    }

    private func read() {
        guard isReading && !hasInputEnded else {
            // The error of a broken connection is told again and again until someone fetches it.
            return checkBroken()
        }
        loop.withScratch { buffer in
            buffer.clear()
            var count = 0
            buffer.writeWithUnsafeMutableBytes(minimumWritableBytes: LoopCore.scratchSize) { room in
                count = recv(number, room.baseAddress, LoopCore.scratchSize, CInt(MSG_DONTWAIT))
                return max(0, count)
            }
            if count > 0 {
                handler?.received(&buffer)
            } else if count == 0 {
                hasInputEnded = true
                watch()
                handler?.inputEnded()
            } else if !Self.isTemporary(errno) {
                fail(errno)
            }
        }
    }

    private func checkBroken() {
        var code: CInt = 0
        var size = socklen_t(MemoryLayout<CInt>.size)
        getsockopt(number, SOL_SOCKET, SO_ERROR, &code, &size)
        if code != 0 || hasInputEnded { fail(code) }
    }

    /// Stops or resumes reading: the kernel's buffer is then the bound of what the peer may send.
    public func setReading(_ reads: Bool) {
        guard reads != isReading, state != .closed, state != .released else { return }
        isReading = reads
        watch()
    }

    private func watch() {
        guard state != .closed && state != .released else { return }
        var interest: Readiness = []
        if isReading && !hasInputEnded { interest = [.readable, .ended] }
        if pending != nil { interest.insert(.writable) }
        loop.change(self, for: interest)
    }

    // MARK: Ends

    private func fail(_ code: CInt) {
        failure = code
        close()
    }

    private func closeLater() {
        let bound = NIOLoopBound(self, eventLoop: loop)
        loop.scheduleTask(in: Self.closingBound) { bound.value.close() }
    }

    override func end() {
        closeDescriptor(number)
        let handler = handler
        self.handler = nil
        handler?.closed(failure == 0 ? nil : SocketError(call: "connection", code: failure))
        keepsake = nil
    }

    /// Gives the descriptor away: the loop no longer watches it, and the handler is forgotten without being told.
    ///
    /// - Returns: the descriptor and what was kept for it; `nil` where the connection is closed or has bytes pending.
    public func release() -> (descriptor: CInt, keepsake: AnyObject?)? {
        guard state == .open && pending == nil else { return nil }
        state = .released
        loop.deregister(self)
        handler = nil
        defer { keepsake = nil }
        return (number, keepsake)
    }

    /// The peer's address; `nil` where it is neither IPv4 nor IPv6, or the peer is gone.
    public var peerAddress: PeerAddress? { PeerAddress(of: number) }
}
