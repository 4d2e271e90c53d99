import MessageBus
import NIOCore
import StrictJSON
import WebSocketTransport

/// One connection of a reader. Bound to its event loop.
final class ReaderConnection: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    /// The server has so long to answer with a stream.
    private static let patience = TimeAmount.seconds(5)
    /// A connection that is silent for longer is given up: the server's heartbeat comes every 15 seconds.
    private static let silence = TimeAmount.seconds(40)

    private let reader: Reader
    private let form: ReaderStream
    private let since: Position?
    private let port: Int
    private var hasAnswered = false
    private var isSubscribed = false
    /// The VM that the stream came from, as its `open` event said.
    private var vm = ""
    private var code: Int?
    /// Bytes of an event that has not come whole.
    private var rest: ByteBuffer?
    private var heard = NIODeadline.now()
    private var deadline: Scheduled<Void>?
    private var watchdog: Scheduled<Void>?

    init(_ reader: Reader, _ form: ReaderStream, since: Position?, port: Int) {
        self.reader = reader
        self.form = form
        self.since = since
        self.port = port
    }

    func channelActive(context: ChannelHandlerContext) {
        reader.connected(context.channel)
        let channel = context.channel
        let loop = context.eventLoop.assumeIsolated()
        deadline = loop.scheduleTask(in: Self.patience) { channel.close(promise: nil) }
        watch(channel, loop)
        context.writeAndFlush(wrapOutboundOut(ByteBuffer(string: form.request(since: since, port: port))), promise: nil)
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        heard = .now()
        var bytes = unwrapInboundIn(data)
        if var held = rest {
            held.writeBuffer(&bytes)
            bytes = held
            rest = nil
        }
        if !hasAnswered {
            guard readAnswer(&bytes, context) else { return }
        }
        while let event = form.next(&bytes) { take(event, context) }
        if bytes.readableBytes > 0 { rest = bytes }
    }

    func channelInactive(context: ChannelHandlerContext) {
        deadline?.cancel()
        watchdog?.cancel()
        reader.disconnected(code: code)
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) { context.close(promise: nil) }

    private func watch(_ channel: any Channel, _ loop: NIOIsolatedEventLoop) {
        watchdog = loop.scheduleTask(in: .seconds(5)) {
            if NIODeadline.now() - self.heard > Self.silence { return channel.close(promise: nil) }
            self.watch(channel, loop)
        }
    }

    /// - Returns: whether the stream has begun.
    private func readAnswer(_ bytes: inout ByteBuffer, _ context: ChannelHandlerContext) -> Bool {
        guard let end = bytes.readableBytesView.firstRange(of: Array("\r\n\r\n".utf8)) else {
            rest = bytes
            return false
        }
        guard bytes.readableBytesView.starts(with: form.agreement.utf8) else {
            context.close(promise: nil)
            return false
        }
        bytes.moveReaderIndex(to: end.upperBound)
        hasAnswered = true
        return true
    }

    private func take(_ event: ReaderEvent, _ context: ChannelHandlerContext) {
        switch event {
        case .alert(let position, let number, let healedFrom): reader.alert(position, number, healedFrom)
        case .subscribed(let cursor): subscribed(cursor)
        case .ping(let payload): send(.pong, payload, context)
        case .close(let code):
            self.code = code
            context.close(promise: nil)
        case .malformed:
            reader.alert(.origin, nil, nil)
            context.close(promise: nil)
        case .event(let name, let object):
            let cursor = object["id"]?.stringValue.flatMap { Position(id: $0) }
            switch name {
            case "open":
                vm = object["vm"]?.stringValue ?? ""
                if form == .webSocket {
                    let start = since.map { #","since":"\#($0.id)""# } ?? ""
                    send(.text, ByteBuffer(string: #"{"op":"subscribe","topics":["*"]\#(start),"ref":"s"}"#), context)
                } else if let cursor {
                    subscribed(cursor)
                }
            case "keepalive": if let cursor { reader.advance(cursor) }
            case "reset":
                if let cursor {
                    reader.reset(
                        ReaderLog.Reset(
                            reason: object["reason"]?.stringValue.flatMap { .init(rawValue: $0) }, resumesAfter: cursor)
                    )
                }
            case "stale": reader.note(.stale(at: .now))
            case "live": reader.note(.live(at: .now))
            case "drain":
                reader.note(.drain(at: .now))
                reader.wait(milliseconds: object["retry_ms"]?.intValue ?? 0)
            case "error": context.close(promise: nil)
            default: break
            }
        }
    }

    private func subscribed(_ cursor: Position) {
        guard !isSubscribed else { return }
        isSubscribed = true
        deadline?.cancel()
        reader.subscribed(cursor, vm: vm)
    }

    private func send(_ opcode: WebSocketOpcode, _ payload: ByteBuffer, _ context: ChannelHandlerContext) {
        let frame = WebSocketFrameEncoder.frame(
            opcode: opcode, payload: payload, masked: UInt32.random(in: .min ... .max))
        context.writeAndFlush(wrapOutboundOut(frame), promise: nil)
    }
}

@available(*, unavailable)
extension ReaderConnection: Sendable {}
