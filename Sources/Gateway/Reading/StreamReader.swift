import Broadcasting
import NIOCore
import WebSocketTransport

/// A reader on `GET /{topics}/sse`, `/json` or `/raw`: an HTTP response without an end, written as the hub writes WebSockets.
///
/// The response has no length and no chunks: it ends with the connection (RFC 9112 section 6.3), so the same bytes go to every reader.
final class StreamReader: ChannelInboundHandler, RemovableChannelHandler, ReaderTransport, SocketWriter.Owner {
    typealias InboundIn = ByteBuffer

    private let context: GatewayContext
    private let request: ReadRequest
    private let shard: HubShard
    private let place: SocketPlace
    private let response: ByteBuffer
    private var writer: SocketWriter?
    private var reader: Reader?

    /// - Parameter response: the response's head.
    init(
        _ context: GatewayContext, _ request: ReadRequest, shard: HubShard, place: SocketPlace, response: ByteBuffer
    ) {
        self.context = context
        self.request = request
        self.shard = shard
        self.place = place
        self.response = response
    }

    func handlerAdded(context channelContext: ChannelHandlerContext) {
        let writer = SocketWriter(channel: channelContext.channel)
        writer.owner = self
        self.writer = writer
        let reader = shard.attach(self, writer: writer, form: request.form)
        self.reader = reader
        shard.write(response, to: reader)
        shard.begin(reader, request, context)
    }

    func handlerRemoved(context: ChannelHandlerContext) { leave(context.eventLoop) }

    func channelInactive(context: ChannelHandlerContext) {
        leave(context.eventLoop)
        context.fireChannelInactive()
    }

    /// The client has nothing to say any more; what it says is discarded.
    func channelRead(context: ChannelHandlerContext, data: NIOAny) {}

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        if case .inputClosed? = event as? ChannelEvent {
            // A client that ends its side after a poll still reads the answer.
            if reader?.isEnded == true { return }
            writer?.close()
        } else {
            context.fireUserInboundEventTriggered(event)
        }
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) { writer?.close() }

    func drained() { if let reader { shard.drained(reader) } }

    func caughtUp() {}

    func end(_ reason: EndReason) { writer?.writeThenClose(ByteBuffer()) }

    /// The connection is gone. A failing write says so from inside itself, perhaps in the middle of a fan-out: then the hub is told in a later
    /// turn of the loop.
    private func leave(_ eventLoop: any EventLoop) {
        writer?.owner = nil
        guard let reader else { return }
        self.reader = nil
        if writer?.isBusy == true {
            let bound = NIOLoopBound((self, reader), eventLoop: eventLoop)
            eventLoop.execute { bound.value.0.forget(bound.value.1) }
        } else {
            forget(reader)
        }
    }

    private func forget(_ reader: Reader) {
        shard.leave(reader)
        place.release()
    }
}

@available(*, unavailable)
extension StreamReader: Sendable {}
