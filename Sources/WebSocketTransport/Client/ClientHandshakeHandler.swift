import NIOCore
import NIOHTTP1

/// Sends the request, reads the answer, and makes room for the ``WebSocketHandler``.
final class ClientHandshakeHandler<Session: WebSocketSession>: ChannelInboundHandler, RemovableChannelHandler {
    typealias InboundIn = ByteBuffer
    typealias InboundOut = ByteBuffer

    private var handshake: ClientHandshake
    private let limits: WebSocketLimits
    private let timeout: TimeAmount
    private let makeSession: @Sendable (any EventLoop) -> Session
    private let connected: EventLoopPromise<WebSocketClientConnection<Session>>
    private var deadline: Scheduled<Void>?
    private var isDone = false

    init(
        handshake: ClientHandshake, limits: WebSocketLimits, timeout: TimeAmount,
        makeSession: @escaping @Sendable (any EventLoop) -> Session,
        connected: EventLoopPromise<WebSocketClientConnection<Session>>
    ) {
        self.handshake = handshake
        self.limits = limits
        self.timeout = timeout
        self.makeSession = makeSession
        self.connected = connected
    }

    func channelActive(context: ChannelHandlerContext) {
        let channel = context.channel
        let connected = connected
        deadline = context.eventLoop.scheduleTask(in: timeout) {
            connected.fail(WebSocketConnectError(message: "the server did not answer in time"))
            channel.close(mode: .all, promise: nil)
        }
        channel.writeAndFlush(handshake.request, promise: nil)
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        guard !isDone else { return }
        var buffer = unwrapInboundIn(data)
        switch handshake.consume(&buffer) {
        case nil:
            break
        case .refused(let error):
            finish(.failure(error))
            context.close(promise: nil)
        case .accepted(let subprotocol, let headers):
            accept(context, subprotocol: subprotocol, headers: headers, rest: buffer)
        }
    }

    func channelInactive(context: ChannelHandlerContext) {
        finish(.failure(handshake.ended()))
        context.fireChannelInactive()
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        finish(.failure(WebSocketConnectError(message: "\(error)")))
        context.close(promise: nil)
    }

    func handlerRemoved(context: ChannelHandlerContext) {
        // Without a deadline there was no connection, and the caller knows the reason better.
        guard deadline != nil else { return }
        finish(.failure(handshake.ended()))
    }

    private func accept(_ context: ChannelHandlerContext, subprotocol: String?, headers: HTTPHeaders, rest: ByteBuffer)
    {
        let session = makeSession(context.eventLoop)
        let handler = WebSocketHandler(session: session, role: .client, limits: limits)
        do {
            try context.pipeline.syncOperations.addHandler(handler, position: .after(self))
        } catch {
            finish(.failure(WebSocketConnectError(message: "\(error)")))
            context.close(promise: nil)
            return
        }
        finish(
            .success(
                WebSocketClientConnection(
                    channel: context.channel, session: NIOLoopBound(session, eventLoop: context.eventLoop),
                    subprotocol: subprotocol, headers: headers)))
        if rest.readableBytes > 0 {
            context.fireChannelRead(wrapInboundOut(rest))
            context.fireChannelReadComplete()
        }
        context.pipeline.syncOperations.removeHandler(self, promise: nil)
    }

    private func finish(_ result: Result<WebSocketClientConnection<Session>, any Error>) {
        guard !isDone else { return }
        isDone = true
        deadline?.cancel()
        deadline = nil
        connected.completeWith(result)
    }
}
