import Broadcasting
import MessageBus
import NIOCore
import NIOHTTP1
import NIOHTTPTypesHTTP1
import WebSocketTransport

// Readers.
extension FrontDoor {
    /// Turns the connection into a reader's, or throws before anything is changed.
    func takeOver(
        _ head: HTTPRequestHead, _ route: Route, _ channelContext: ChannelHandlerContext
    ) throws(GatewayError) {
        try context.refuseWhenLeaving()
        let host = head.headers.first(name: "host")
        try context.checkOrigin(head.headers.first(name: "origin"), host: host)
        guard let shard = context.hub.shard(on: channelContext.eventLoop) else {
            throw GatewayError(.internalError, "no shard on this event loop")
        }
        switch route {
        case .duplex:
            let handshake = try Self.handshake(head, subprotocols: ["crier.v1"])
            let place = try place(for: head, channelContext)
            let token = PublishToken.token(inAuthorization: head.headers.first(name: "authorization"))
            let session = DuplexSocket(context, shard: shard, place: place, token: token, now: .now())
            becomeWebSocket(handshake, session, channelContext)
        case .read(let topics, let form):
            let fields = RequestFields(head)
            let request = try ReadRequest(
                topics: topics, form: form, fields: fields, now: context.clock.now(), limits: context.readLimits)
            if form == .webSocket {
                let handshake = try Self.handshake(head, subprotocols: ["cloudevents.json"])
                let place = try place(for: head, channelContext)
                let session = TopicSocket(
                    context, request, form: handshake.subprotocol == nil ? .webSocket : .cloudEvents, shard: shard,
                    place: place)
                becomeWebSocket(handshake, session, channelContext)
            } else {
                let place = try place(for: head, channelContext)
                let response = StreamResponse.head(
                    form: form, origin: head.headers.first(name: "origin"), policy: context.configuration.allowedOrigins
                )
                let reader = StreamReader(context, request, shard: shard, place: place, response: response)
                replacePipeline(with: reader, channelContext)
            }
        case .http: break
        }
    }

    private func place(
        for head: HTTPRequestHead, _ channelContext: ChannelHandlerContext
    ) throws(GatewayError) -> SocketPlace {
        let address = context.address(of: channelContext.channel) { head.headers[$0].last }
        return try SocketPlace(context.addresses, address)
    }

    private static func handshake(
        _ head: HTTPRequestHead, subprotocols: [String]
    ) throws(GatewayError) -> WebSocketHandshake {
        do throws(WebSocketHandshakeError) {
            return try WebSocketHandshake.accept(head, subprotocols: subprotocols)
        } catch {
            throw GatewayError(
                error.status == 426 ? .upgradeRequired : .invalidHandshake, error.message,
                headers: error.headers.map { GatewayError.Header(name: $0.name, value: $0.value) })
        }
    }

    private func becomeWebSocket<Session: WebSocketSession>(
        _ handshake: WebSocketHandshake, _ session: Session, _ channelContext: ChannelHandlerContext
    ) {
        let limits = WebSocketLimits(
            maxFrameBytes: context.configuration.maximumBody, maxMessageBytes: context.configuration.maximumBody)
        replacePipeline(
            with: WebSocketHandler(session: session, limits: limits), sending: handshake.response(), channelContext)
    }

    /// Takes the HTTP handlers away and puts the reader's in their place. What the decoder has read beyond the request goes to the reader.
    private func replacePipeline(
        with reader: some ChannelInboundHandler & RemovableChannelHandler, sending response: ByteBuffer? = nil,
        _ channelContext: ChannelHandlerContext
    ) {
        let channel = channelContext.channel
        let pipeline = channel.pipeline.syncOperations
        deadline?.cancel()
        do {
            let encoder = try pipeline.context(handlerType: HTTPResponseEncoder.self)
            let decoder = try pipeline.context(handlerType: ByteToMessageHandler<HTTPRequestDecoder>.self)
            _ = pipeline.removeHandler(context: encoder)
            if let framework { _ = pipeline.removeHandler(framework) }
            if let response { channelContext.writeAndFlush(NIOAny(response), promise: nil) }
            try pipeline.addHandler(reader, position: .after(self))
            _ = pipeline.removeHandler(context: channelContext)
            _ = pipeline.removeHandler(context: decoder)
        } catch {
            channel.close(promise: nil)
        }
    }
}
