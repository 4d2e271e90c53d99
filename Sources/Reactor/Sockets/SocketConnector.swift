public import NIOCore

#if canImport(Musl)
    import Musl
#else
    import Glibc
#endif

/// Opens connections from a loop.
///
/// Isolation: the loop.
public final class SocketConnector: PolledDescriptor {
    private unowned let loop: ReactorLoop
    private var completion: ((Result<CInt, SocketError>) -> Void)?
    private var timeout: Scheduled<Void>?
    private var failure = SocketError(call: "connect", code: ECANCELED)

    /// Begins to connect, on the loop.
    ///
    /// - Parameters:
    ///   - address: an IPv4 or IPv6 address and a port.
    ///   - source: the local address to connect from, with port 0 for any; `nil` leaves the choice to the system.
    ///   - patience: after that it fails with `ETIMEDOUT`.
    ///   - completion: called once, on the loop and never from inside this call, with the connected descriptor, non-blocking and without
    ///     Nagle's algorithm, which is then the callee's; or with why there is none, `ECANCELED` where the loop has ended.
    public static func connect(
        to address: SocketAddress, from source: SocketAddress? = nil, within patience: TimeAmount,
        on loop: ReactorLoop, completion: @escaping (Result<CInt, SocketError>) -> Void
    ) {
        loop.preconditionInEventLoop()
        do throws(SocketError) {
            let descriptor = try connecting(to: address, from: source)
            do throws(SocketError) {
                _ = try SocketConnector(descriptor, within: patience, on: loop, completion: completion)
            } catch {
                closeDescriptor(descriptor)
                throw error
            }
        } catch {
            loop._executeIsolatedUnsafeUnchecked { completion(.failure(error)) }
        }
    }

    private init(
        _ descriptor: CInt, within patience: TimeAmount, on loop: ReactorLoop,
        completion: @escaping (Result<CInt, SocketError>) -> Void
    ) throws(SocketError) {
        self.loop = loop
        self.completion = completion
        super.init(number: descriptor)
        try loop.register(self, for: .writable)
        let bound = NIOLoopBound(self, eventLoop: loop)
        timeout = loop.scheduleTask(in: patience) { bound.value.fail(ETIMEDOUT) }
    }

    /// A descriptor whose connection is under way, or made already.
    private static func connecting(to address: SocketAddress, from source: SocketAddress?) throws(SocketError) -> CInt {
        let family: CInt
        switch address {
        case .v4: family = AF_INET
        case .v6: family = AF_INET6
        case .unixDomainSocket: throw SocketError(call: "socket", code: EAFNOSUPPORT)
        }
        let kind = CInt(SOCK_STREAM.rawValue | SOCK_NONBLOCK.rawValue | SOCK_CLOEXEC.rawValue)
        let descriptor = try SocketError.check("socket", socket(family, kind, 0))
        do throws(SocketError) {
            try set(TCP_NODELAY, of: CInt(IPPROTO_TCP), descriptor)
            if let source {
                // The port is chosen on connecting, when the peer is known: only then may connections to other peers share it.
                try set(IP_BIND_ADDRESS_NO_PORT, of: CInt(IPPROTO_IP), descriptor)
                try SocketError.check("bind", source.withSockAddr { bind(descriptor, $0, socklen_t($1)) })
            }
            let result = address.withSockAddr { systemConnect(descriptor, $0, socklen_t($1)) }
            // Interrupted, it goes on all the same.
            if result != 0 && errno != EINPROGRESS && errno != EINTR {
                throw SocketError(call: "connect", code: errno)
            }
            return descriptor
        } catch {
            closeDescriptor(descriptor)
            throw error
        }
    }

    private static func set(_ option: CInt, of level: CInt, _ descriptor: CInt) throws(SocketError) {
        var on: CInt = 1
        let size = socklen_t(MemoryLayout<CInt>.size)
        try SocketError.check("setsockopt", setsockopt(descriptor, level, option, &on, size))
    }

    override func ready(_ readiness: Readiness) {
        guard completion != nil else { return }
        var code: CInt = 0
        var size = socklen_t(MemoryLayout<CInt>.size)
        getsockopt(number, SOL_SOCKET, SO_ERROR, &code, &size)
        guard code == 0 else { return fail(code) }
        loop.deregister(self)
        take()?(.success(number))
    }

    private func fail(_ code: CInt) {
        guard completion != nil else { return }
        failure = SocketError(call: "connect", code: code)
        close()
    }

    override func close() { loop.closeSoon(self) }

    override func end() {
        guard let completion = take() else { return }
        closeDescriptor(number)
        completion(.failure(failure))
    }

    private func take() -> ((Result<CInt, SocketError>) -> Void)? {
        timeout?.cancel()
        timeout = nil
        defer { completion = nil }
        return completion
    }
}

private func systemConnect(_ descriptor: CInt, _ address: UnsafePointer<sockaddr>, _ size: socklen_t) -> CInt {
    #if canImport(Musl)
        Musl.connect(descriptor, address, size)
    #else
        Glibc.connect(descriptor, address, size)
    #endif
}
