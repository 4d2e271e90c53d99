public import NIOCore

/// A ``WebSocketConnection`` as the last handler of a NIO channel's pipeline, for clients.
public final class WebSocketHandler<Session: WebSocketSession>: ChannelInboundHandler, RemovableChannelHandler {
    public typealias InboundIn = ByteBuffer

    private let session: Session
    private let role: WebSocketRole
    private let limits: WebSocketLimits
    private var connection: WebSocketConnection<Session>?
    private var writer: ChannelWriter?

    /// - Parameters:
    ///   - session: used by this handler alone.
    ///   - role: which end this is.
    ///   - limits: what the peer may send.
    public init(session: Session, role: WebSocketRole, limits: WebSocketLimits = WebSocketLimits()) {
        self.session = session
        self.role = role
        self.limits = limits
    }

    public func handlerAdded(context: ChannelHandlerContext) {
        if context.channel.isActive { open(context) }
    }

    public func handlerRemoved(context: ChannelHandlerContext) {
        end(context, reason: "the connection was lost")
        writer?.drained = nil
    }

    public func channelActive(context: ChannelHandlerContext) {
        open(context)
        context.fireChannelActive()
    }

    public func channelInactive(context: ChannelHandlerContext) {
        end(context, reason: "the connection was lost")
        context.fireChannelInactive()
    }

    public func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        // The channel reads what is left when a write fails: by then nothing can be answered, and the session is inside that write.
        guard let writer, !writer.isBusy else { return }
        var buffer = unwrapInboundIn(data)
        connection?.received(&buffer)
    }

    public func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        if case .some(.inputClosed) = event as? ChannelEvent { connection?.inputEnded() }
        context.fireUserInboundEventTriggered(event)
    }

    public func errorCaught(context: ChannelHandlerContext, error: any Error) {
        end(context, reason: "\(error)")
        writer?.close()
    }

    private func open(_ context: ChannelHandlerContext) {
        guard connection == nil else { return }
        let writer = ChannelWriter(channel: context.channel)
        let connection = WebSocketConnection(session: session, writer: writer, role: role, limits: limits)
        writer.drained = { [weak connection] in connection?.drained() }
        self.writer = writer
        self.connection = connection
        connection.open()
    }

    private func end(_ context: ChannelHandlerContext, reason: String) {
        guard let connection, let writer else { return }
        if writer.isBusy {
            context.eventLoop.assumeIsolated().execute { connection.lost(reason: reason) }
        } else {
            connection.lost(reason: reason)
        }
    }
}

@available(*, unavailable)
extension WebSocketHandler: Sendable {}
