public import NIOCore
import NIOHTTP1
import NIOPosix
public import WebSocketTransport

/// A WebSocket server on loopback: the transport alone, without a gateway.
public struct EchoServer: Sendable {
    private let channel: any Channel

    /// Large enough for every case of a conformance suite.
    public static let generousLimits = WebSocketLimits(
        maxFrameBytes: 16 << 20, maxMessageBytes: 16 << 20, maxFragments: .max)

    /// The port it listens on.
    public var port: Int { channel.localAddress?.port ?? 0 }

    /// Starts a server that sends every message back.
    ///
    /// - Parameters:
    ///   - host: the address to listen on.
    ///   - port: 0 for any free one.
    ///   - limits: what a client may send.
    ///   - subprotocols: what the server speaks.
    ///   - group: carries the connections.
    public static func start(
        host: String = "127.0.0.1", port: Int = 0, limits: WebSocketLimits = generousLimits,
        subprotocols: [String] = [], on group: any EventLoopGroup
    ) async throws -> EchoServer {
        try await start(host: host, port: port, limits: limits, subprotocols: subprotocols, on: group) { _ in
            EchoSession()
        }
    }

    /// Starts a server whose sockets carry what `makeSession` returns, called on the socket's event loop.
    public static func start<Session: WebSocketSession>(
        host: String = "127.0.0.1", port: Int = 0, limits: WebSocketLimits = generousLimits,
        subprotocols: [String] = [], on group: any EventLoopGroup,
        makeSession: @escaping @Sendable (any Channel) -> Session
    ) async throws -> EchoServer {
        let channel = try await ServerBootstrap(group: group)
            .serverChannelOption(.backlog, value: 1024)
            .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
            .childChannelOption(.socketOption(.tcp_nodelay), value: 1)
            .childChannelOption(.allowRemoteHalfClosure, value: true)
            .childChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    let sync = channel.pipeline.syncOperations
                    let encoder = HTTPResponseEncoder()
                    let decoder = ByteToMessageHandler(HTTPRequestDecoder(leftOverBytesStrategy: .forwardBytes))
                    let gate = UpgradeGate(encoder: encoder, decoder: decoder, subprotocols: subprotocols) {
                        WebSocketHandler(session: makeSession(channel), limits: limits)
                    }
                    try sync.addHandlers(encoder, decoder, gate)
                }
            }
            .bind(host: host, port: port).get()
        return EchoServer(channel: channel)
    }

    /// Stops listening; connections stay.
    public func stop() async throws {
        try await channel.close()
    }

    /// Waits until it stops listening.
    public func run() async throws {
        try await channel.closeFuture.get()
    }
}

/// Answers the first request: with an upgrade, or with the refusal and the end of the connection.
private final class UpgradeGate<Session: WebSocketSession>: ChannelInboundHandler, RemovableChannelHandler {
    typealias InboundIn = HTTPServerRequestPart
    typealias OutboundOut = HTTPServerResponsePart

    private let encoder: HTTPResponseEncoder
    private let decoder: ByteToMessageHandler<HTTPRequestDecoder>
    private let subprotocols: [String]
    private let makeHandler: () -> WebSocketHandler<Session>
    private var head: HTTPRequestHead?

    init(
        encoder: HTTPResponseEncoder, decoder: ByteToMessageHandler<HTTPRequestDecoder>, subprotocols: [String],
        makeHandler: @escaping () -> WebSocketHandler<Session>
    ) {
        self.encoder = encoder
        self.decoder = decoder
        self.subprotocols = subprotocols
        self.makeHandler = makeHandler
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        switch unwrapInboundIn(data) {
        case .head(let head):
            self.head = head
        case .body:
            break
        case .end:
            guard let head else { return }
            self.head = nil
            answer(head, context)
        }
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        context.close(promise: nil)
    }

    private func answer(_ head: HTTPRequestHead, _ context: ChannelHandlerContext) {
        do throws(WebSocketHandshakeError) {
            let handshake = try WebSocketHandshake.accept(head, subprotocols: subprotocols)
            upgrade(handshake, context)
        } catch {
            refuse(error, context)
        }
    }

    private func upgrade(_ handshake: WebSocketHandshake, _ context: ChannelHandlerContext) {
        let sync = context.pipeline.syncOperations
        let handler = NIOLoopBound(makeHandler(), eventLoop: context.eventLoop)
        let gate = NIOLoopBound(self, eventLoop: context.eventLoop)
        let channel = context.channel
        sync.removeHandler(encoder).flatMap {
            channel.writeAndFlush(handshake.response())
        }.flatMapThrowing {
            // The decoder forwards what came after the request when it is removed: the handler has to be there by then.
            try channel.pipeline.syncOperations.addHandler(handler.value)
            channel.pipeline.syncOperations.removeHandler(gate.value, promise: nil)
            channel.pipeline.syncOperations.removeHandler(gate.value.decoder, promise: nil)
        }.whenFailure { _ in
            channel.close(promise: nil)
        }
    }

    private func refuse(_ error: WebSocketHandshakeError, _ context: ChannelHandlerContext) {
        var headers: HTTPHeaders = ["Content-Length": "\(error.message.utf8.count)"]
        for header in error.headers { headers.add(name: header.name, value: header.value) }
        if !headers.contains(name: "Connection") { headers.add(name: "Connection", value: "close") }
        let status = HTTPResponseStatus(statusCode: error.status)
        context.write(
            wrapOutboundOut(.head(HTTPResponseHead(version: .http1_1, status: status, headers: headers))), promise: nil)
        context.write(wrapOutboundOut(.body(.byteBuffer(ByteBuffer(string: error.message)))), promise: nil)
        let channel = context.channel
        context.writeAndFlush(wrapOutboundOut(.end(nil))).whenComplete { _ in
            channel.close(promise: nil)
        }
    }
}
