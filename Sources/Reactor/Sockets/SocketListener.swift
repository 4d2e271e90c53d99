import CLinux
public import NIOCore

#if canImport(Musl)
    import Musl
#else
    import Glibc
#endif

/// A listening socket. Accepts on its loop, as many as wait but at most ``batch`` a turn, and gives the descriptors away.
///
/// Isolation: its loop, but for ``bind(host:port:on:accepted:)``.
public final class SocketListener: PolledDescriptor {
    private static let backlog: CInt = 4096
    /// Connections accepted in one turn, so that a herd that comes starves no one who is there.
    static let batch = 64
    /// How long nothing is accepted where the process has no descriptor left.
    private static let pause = TimeAmount.milliseconds(50)

    private unowned let loop: ReactorLoop
    private let accepted: (CInt) -> Void
    private var isClosed = false
    private var whenClosed: (@Sendable () -> Void)?

    /// The port that it listens on.
    public let port: Int

    /// Begins to listen.
    ///
    /// - Parameters:
    ///   - host: an address or a name; `::` is every address, IPv4's too.
    ///   - port: 0 takes one that is free.
    ///   - patience: how long a peer may take nothing of what it was sent before it counts as gone, whatever its TCP has still to try.
    ///   - loop: accepts.
    ///   - accepted: called on the loop with each connection's descriptor, non-blocking, which is then the callee's.
    public static func bind(
        host: String, port: Int, patience: TimeAmount = .seconds(20), on loop: ReactorLoop,
        accepted: @escaping @Sendable (CInt) -> Void
    ) async throws -> NIOLoopBound<SocketListener> {
        let descriptor = try listening(
            try SocketAddress.makeAddressResolvingHost(host, port: port), patience: patience)
        do {
            return try await loop.submit {
                NIOLoopBound(
                    try SocketListener(descriptor, on: loop, accepted: accepted), eventLoop: loop)
            }.get()
        } catch {
            closeDescriptor(descriptor)
            throw error
        }
    }

    private init(
        _ descriptor: CInt, on loop: ReactorLoop, accepted: @escaping @Sendable (CInt) -> Void
    ) throws(SocketError) {
        self.loop = loop
        self.accepted = accepted
        self.port = SocketAddress.local(of: descriptor)?.port ?? 0
        super.init(number: descriptor)
        try loop.register(self, for: .readable)
    }

    private static func listening(_ address: SocketAddress, patience: TimeAmount) throws(SocketError) -> CInt {
        let family = address.protocol == .inet6 ? AF_INET6 : AF_INET
        let kind = CInt(SOCK_STREAM.rawValue | SOCK_NONBLOCK.rawValue | SOCK_CLOEXEC.rawValue)
        let descriptor = try SocketError.check("socket", socket(family, kind, 0))
        do throws(SocketError) {
            try set(SO_REUSEADDR, of: SOL_SOCKET, 1, descriptor)
            // Connections have these from the socket that they are accepted on, so that none costs a call for them.
            try set(TCP_NODELAY, of: CInt(IPPROTO_TCP), 1, descriptor)
            let milliseconds = CInt(clamping: patience.nanoseconds / 1_000_000)
            try set(TCP_USER_TIMEOUT, of: CInt(IPPROTO_TCP), milliseconds, descriptor)
            let bound = address.withSockAddr { pointer, size in
                #if canImport(Musl)
                    Musl.bind(descriptor, pointer, socklen_t(size))
                #else
                    Glibc.bind(descriptor, pointer, socklen_t(size))
                #endif
            }
            try SocketError.check("bind", bound)
            try SocketError.check("listen", listen(descriptor, backlog))
            return descriptor
        } catch {
            closeDescriptor(descriptor)
            throw error
        }
    }

    private static func set(
        _ option: CInt, of level: CInt, _ value: CInt, _ descriptor: CInt
    ) throws(SocketError) {
        var value = value
        let size = socklen_t(MemoryLayout<CInt>.size)
        try SocketError.check("setsockopt", setsockopt(descriptor, level, option, &value, size))
    }

    override func ready(_ readiness: Readiness) {
        for _ in 0..<Self.batch {
            let flags = CInt(SOCK_NONBLOCK.rawValue | SOCK_CLOEXEC.rawValue)
            let descriptor = accept4(number, nil, nil, flags)
            if descriptor >= 0 {
                accepted(descriptor)
                continue
            }
            switch errno {
            // The connection was gone before it was accepted; others may wait.
            case ECONNABORTED, EINTR, EPROTO, EPERM, ENETDOWN, EHOSTDOWN, EHOSTUNREACH, ENETUNREACH: continue
            case EMFILE, ENFILE, ENOBUFS, ENOMEM: return pauseAccepting()
            default: return
            }
        }
    }

    private func pauseAccepting() {
        loop.change(self, for: [])
        let bound = NIOLoopBound(self, eventLoop: loop)
        loop.scheduleTask(in: Self.pause) {
            if !bound.value.isClosed { bound.value.loop.change(bound.value, for: .readable) }
        }
    }

    /// Accepts no more, and refuses those that wait to be accepted.
    ///
    /// - Parameter completion: called once the port is free.
    public func stop(_ completion: @escaping @Sendable () -> Void) {
        guard !isClosed else { return completion() }
        whenClosed = completion
        close()
    }

    override func close() {
        guard !isClosed else { return }
        isClosed = true
        loop.closeSoon(self)
    }

    override func end() {
        closeDescriptor(number)
        whenClosed?()
        whenClosed = nil
    }
}
