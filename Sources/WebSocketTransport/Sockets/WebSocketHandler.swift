public import NIOCore

/// The last handler of a socket's pipeline after the opening handshake: frames in, calls of the session out.
///
/// Costs a socket no task, timer or outbound handler; a timer exists only while the connection is being closed. Everything that came in
/// one read is processed in one go. Memory is bounded by the limits of the reader, one owed pong, and what the session writes.
public final class WebSocketHandler<Session: WebSocketSession>: ChannelInboundHandler, RemovableChannelHandler {
    public typealias InboundIn = ByteBuffer

    private let session: Session
    private let bypassesPipeline: Bool
    private let role: WebSocketRole
    private var reader: WebSocketFrameReader
    private var socket: WebSocket?
    private var wasHeard = false
    private var hasEnded = false

    /// - Parameters:
    ///   - session: used by this handler alone.
    ///   - role: which end this is.
    ///   - limits: what the peer may send.
    ///   - bypassesPipeline: see ``SocketWriter/init(channel:bypassesPipeline:)``; `false` with TLS.
    public init(
        session: Session, role: WebSocketRole = .server, limits: WebSocketLimits = WebSocketLimits(),
        bypassesPipeline: Bool = true
    ) {
        self.session = session
        self.role = role
        self.bypassesPipeline = bypassesPipeline
        reader = WebSocketFrameReader(role: role, limits: limits)
    }

    public func handlerAdded(context: ChannelHandlerContext) {
        if context.channel.isActive { open(context) }
    }

    public func handlerRemoved(context: ChannelHandlerContext) {
        end(code: nil, reason: "the connection was lost")
        socket?.writer.owner = nil
    }

    public func channelActive(context: ChannelHandlerContext) {
        open(context)
        context.fireChannelActive()
    }

    public func channelInactive(context: ChannelHandlerContext) {
        end(code: nil, reason: "the connection was lost")
        context.fireChannelInactive()
    }

    public func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        // The channel reads what is left when a write fails: by then nothing can be answered, and the session is inside that write.
        guard let socket, !hasEnded, !socket.writer.isBusy else { return }
        if !wasHeard {
            wasHeard = true
            session.heard()
        }
        var buffer = unwrapInboundIn(data)
        do throws(WebSocketError) {
            while !hasEnded, let event = try reader.next(from: &buffer) {
                handle(event, on: socket)
            }
        } catch {
            end(code: nil, reason: error.message) { socket.fail(error) }
        }
    }

    public func channelReadComplete(context: ChannelHandlerContext) {
        wasHeard = false
        context.fireChannelReadComplete()
    }

    public func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        if case .some(.inputClosed) = event as? ChannelEvent, let socket {
            end(code: nil, reason: "the peer ended the connection")
            socket.phase = .closed
            // The last bytes may still be on their way: the writer closes after them.
            if !socket.writer.isFinishing { socket.writer.close() }
        }
        context.fireUserInboundEventTriggered(event)
    }

    public func errorCaught(context: ChannelHandlerContext, error: any Error) {
        end(code: nil, reason: "\(error)")
        socket?.writer.close()
    }

    private func open(_ context: ChannelHandlerContext) {
        guard socket == nil else { return }
        let writer = SocketWriter(channel: context.channel, bypassesPipeline: bypassesPipeline)
        writer.owner = self
        let socket = WebSocket(writer: writer, eventLoop: context.eventLoop, role: role)
        self.socket = socket
        session.opened(by: socket)
    }

    private func handle(_ event: WebSocketFrameReader.Event, on socket: WebSocket) {
        switch event {
        case .text(let message):
            if socket.phase == .open { session.received(text: message) }
        case .binary(let message):
            if socket.phase == .open { session.received(binary: message) }
        case .ping(let payload):
            socket.answerPing(payload)
        case .pong:
            break
        case .close(let code, let reason):
            end(code: code ?? .noStatus, reason: reason) { socket.peerClosed(code: code) }
        }
    }

    /// Tells the session, once, after the last words. Should these end the connection at once, that is not the end's cause.
    private func end(code: WebSocketCloseCode?, reason: String, after lastWords: () -> Void = {}) {
        guard let socket, !hasEnded else { return }
        hasEnded = true
        lastWords()
        let session = session
        if socket.writer.isBusy {
            socket.eventLoop.assumeIsolated().execute { session.closed(code: code, reason: reason) }
        } else {
            session.closed(code: code, reason: reason)
        }
    }
}

extension WebSocketHandler: SocketWriter.Owner {
    public func drained() {
        guard let socket, !hasEnded else { return }
        socket.sendOwedPong()
        if socket.phase == .open, socket.writer.pendingBytes == 0 { session.drained() }
    }
}

@available(*, unavailable)
extension WebSocketHandler: Sendable {}
