import NIOConcurrencyHelpers
import NIOCore
import NIOPosix
import NIOSSL
import Synchronization

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// One connection to a server. All methods may be called from any task.
final class RedisConnection: Sendable {
    /// How long a connection may take to be made.
    static let connectTimeout = TimeAmount.seconds(2)
    /// How long bytes may go unconfirmed by the peer's system, in milliseconds.
    private static let userTimeout = 8000
    /// `TCP_USER_TIMEOUT` of Linux, RFC 5482.
    private static let userTimeoutOption = NIOBSDSocket.Option(rawValue: 18)

    let endpoint: RedisEndpoint
    private let channel: any Channel
    /// Set before the channel is closed, which takes its event loop's turn.
    private let isLeft = Atomic(false)

    /// Why the connection ended.
    private let ending: NIOLockedValueBox<RedisFailure?>

    private init(_ channel: any Channel, to endpoint: RedisEndpoint, ending: NIOLockedValueBox<RedisFailure?>) {
        self.channel = channel
        self.ending = ending
        self.endpoint = endpoint
    }

    /// Makes a connection.
    ///
    /// - Parameters:
    ///   - tls: `nil` for a connection in the clear.
    ///   - onMessage: is called on an event loop with what is published on channels subscribed to.
    static func open(
        to endpoint: RedisEndpoint, tls: NIOSSLContext?, by deadline: NIODeadline,
        onMessage: (@Sendable (RedisMessage) -> Void)? = nil
    ) async throws(RedisFailure) -> RedisConnection {
        let timeout = min(connectTimeout, deadline - .now())
        guard timeout > .zero else { throw RedisFailure(.timeOut, "there was no time to connect to \(endpoint)") }
        let ending = NIOLockedValueBox<RedisFailure?>(nil)
        let bootstrap = ClientBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .connectTimeout(timeout)
            .channelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    if let tls { try channel.pipeline.syncOperations.addHandler(tlsHandler(tls, endpoint)) }
                    try channel.pipeline.syncOperations.addHandler(
                        RedisChannelHandler(ending: ending, onMessage: onMessage))
                }
            }
        do {
            let channel =
                switch endpoint {
                case .unix(let path): try await bootstrap.connect(unixDomainSocketPath: path).get()
                case .tcp(let host, let port):
                    try await withKeepAlive(bootstrap).connect(host: host, port: port).get()
                }
            return RedisConnection(channel, to: endpoint, ending: ending)
        } catch {
            throw RedisFailure(.link, "cannot connect to Redis at \(endpoint): \(reason(error))")
        }
    }

    /// What went wrong at each of a name's addresses, or with the name.
    private static func reason(_ error: any Error) -> String {
        if let error = error as? IOError { return String(cString: strerror(error.errnoCode)) }
        guard let error = error as? NIOConnectionError else { return "\(error)" }
        let causes = error.connectionErrors.map { reason($0.error) }
        let failures =
            causes.isEmpty ? [error.dnsAError, error.dnsAAAAError].compactMap { $0.map { "\($0)" } } : causes
        return failures.joined(separator: ", ")
    }

    /// A peer that is gone is found by the system too, also where nothing is sent.
    private static func withKeepAlive(_ bootstrap: ClientBootstrap) -> ClientBootstrap {
        let bootstrap = bootstrap.channelOption(.socketOption(.so_keepalive), value: 1)
        #if os(Linux)
            return bootstrap.channelOption(.tcpOption(userTimeoutOption), value: userTimeout)
        #else
            return bootstrap
        #endif
    }

    /// A name is sent to the server and checked in its certificate; for an address, the address is checked.
    private static func tlsHandler(_ context: NIOSSLContext, _ endpoint: RedisEndpoint) throws -> NIOSSLClientHandler {
        guard case .tcp(let host, let port) = endpoint, (try? SocketAddress(ipAddress: host, port: port)) == nil
        else { return try NIOSSLClientHandler(context: context, serverHostname: nil) }
        return try NIOSSLClientHandler(context: context, serverHostname: host)
    }

    var isOpen: Bool { channel.isActive && !isLeft.load(ordering: .relaxed) }

    /// Sends commands in one piece and waits for the reply of each.
    ///
    /// - Throws: where a reply does not come by the deadline, which ends the connection.
    func send(_ commands: [RedisCommand], by deadline: NIODeadline) async throws(RedisFailure) -> [RESPValue] {
        if commands.isEmpty { return [] }
        var bytes = ByteBuffer()
        for command in commands { try HiredisReader.encode(command, into: &bytes) }
        let replies = channel.eventLoop.makePromise(of: [RESPValue].self)
        let request = RedisRequest(bytes: bytes, replyCount: commands.count, deadline: deadline, replies: replies)
        channel.writeAndFlush(request).whenFailure { [ending] _ in
            let reason = ending.withLockedValue { $0 }
            replies.fail(reason ?? RedisFailure(.link, "the connection to Redis is closed"))
        }
        do { return try await replies.futureResult.get() } catch let error as RedisFailure { throw error } catch {
            throw RedisFailure(.link, "the connection to Redis failed: \(error)")
        }
    }

    /// Sends a command.
    ///
    /// - Throws: what the server refuses, besides.
    func send(_ command: RedisCommand, by deadline: NIODeadline) async throws(RedisFailure) -> RESPValue {
        let replies = try await send([command], by: deadline)
        guard let reply = replies.first else { throw RedisFailure(.protocolError, "Redis did not answer") }
        if case .error(let text) = reply { throw RedisFailure(refusal: text) }
        return reply
    }

    /// Ends the connection; whoever waits for a reply is told. Repeating it has no effect.
    func close() {
        isLeft.store(true, ordering: .relaxed)
        channel.close(promise: nil)
    }
}
