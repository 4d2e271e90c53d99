public import NIOCore
public import NIOHTTP1
import NIOPosix

/// An open connection of a client.
public struct WebSocketClientConnection<Session: WebSocketSession>: Sendable {
    /// The connection; closing it ends the WebSocket without a closing handshake.
    public let channel: any Channel
    /// The session, to be used on the channel's event loop.
    public let session: NIOLoopBound<Session>
    /// What the server chose of the subprotocols offered.
    public let subprotocol: String?
    /// The headers of the server's answer.
    public let headers: HTTPHeaders

    /// Runs the body with the session on its event loop.
    public func withSession<Result: Sendable>(
        _ body: @escaping @Sendable (Session) throws -> Result
    ) async throws -> Result {
        let session = session
        return try await channel.eventLoop.submit { try body(session.value) }.get()
    }
}

/// Opens a WebSocket as a client (RFC 6455 section 4.1), over plain TCP.
///
/// - Parameters:
///   - host: a name or an address.
///   - port: a TCP port.
///   - path: path and query.
///   - headers: added to the request, such as `Origin` or `Authorization`.
///   - subprotocols: what the client speaks, the most preferred first.
///   - limits: what the server may send.
///   - source: the local address to connect from, for load from more sockets than one address has ports.
///   - timeout: for the connection and for the answer, each.
///   - group: its next event loop carries the connection.
///   - makeSession: called on that event loop once the server has agreed.
/// - Throws: ``WebSocketConnectError`` with the server's status and body if it refuses or does not answer; the error of the system if
///   there is no connection.
public func connectWebSocket<Session: WebSocketSession>(
    host: String, port: Int, path: String = "/", headers: HTTPHeaders = [:], subprotocols: [String] = [],
    limits: WebSocketLimits = WebSocketLimits(), from source: SocketAddress? = nil, timeout: TimeAmount = .seconds(10),
    on group: any EventLoopGroup, makeSession: @escaping @Sendable (any EventLoop) -> Session
) async throws -> WebSocketClientConnection<Session> {
    let eventLoop = group.next()
    let connected = eventLoop.makePromise(of: WebSocketClientConnection<Session>.self)
    var bootstrap = ClientBootstrap(group: eventLoop)
        .connectTimeout(timeout)
        .channelOption(.socketOption(.tcp_nodelay), value: 1)
        .channelOption(.maxMessagesPerRead, value: 1)
        .channelOption(
            .recvAllocator, value: AdaptiveRecvByteBufferAllocator(minimum: 512, initial: 1024, maximum: 65_536)
        )
        .channelInitializer { channel in
            channel.eventLoop.makeCompletedFuture {
                let handshake = ClientHandshake(
                    host: host, port: port, path: path, headers: headers, subprotocols: subprotocols)
                try channel.pipeline.syncOperations.addHandler(
                    ClientHandshakeHandler(
                        handshake: handshake, limits: limits, timeout: timeout, makeSession: makeSession,
                        connected: connected))
            }
        }
    if let source { bootstrap = bootstrap.bind(to: source) }
    do {
        _ = try await bootstrap.connect(host: host, port: port).get()
    } catch {
        connected.fail(error)
    }
    return try await connected.futureResult.get()
}
