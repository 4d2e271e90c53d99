import NIOCore
import WebSocketTransport

/// One reading socket of a load run: counts alerts by their ids and measures some of them. Bound to its event loop.
///
/// It reads frames itself and trusts the server to send valid ones, since a client that checks everything would be slower than the server that it
/// measures.
final class LoadSocket: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    private let tally: LoadTally
    private let request: ByteBuffer
    private let subscription: ByteBuffer
    private let opened: EventLoopPromise<Void>
    private var isOpen = false
    /// Bytes of a frame, or of the handshake's answer, that has not come whole.
    private var rest: ByteBuffer?
    /// The offset of the last alert.
    private var last: UInt64?

    init(_ tally: LoadTally, host: String, topic: String, opened: EventLoopPromise<Void>) {
        self.tally = tally
        self.opened = opened
        request = ByteBuffer(
            string: "GET /ws HTTP/1.1\r\nHost: \(host)\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                + "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n")
        subscription = WebSocketFrameEncoder.frame(
            opcode: .text, payload: ByteBuffer(string: #"{"op":"subscribe","topics":["\#(topic)"],"ref":"s"}"#),
            masked: UInt32.random(in: .min ... .max))
    }

    func channelActive(context: ChannelHandlerContext) {
        context.writeAndFlush(wrapOutboundOut(request), promise: nil)
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        var bytes = unwrapInboundIn(data)
        if var held = rest {
            held.writeBuffer(&bytes)
            bytes = held
            rest = nil
        }
        if !isOpen { readAnswer(&bytes, context) }
        if isOpen { readFrames(&bytes, context) }
        if bytes.readableBytes > 0 { rest = bytes }
    }

    func channelInactive(context: ChannelHandlerContext) {
        if isOpen { tally.closed("the connection ended") }
        opened.fail(LoadFailure(description: "the server closed the connection"))
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) { context.close(promise: nil) }

    private func readAnswer(_ bytes: inout ByteBuffer, _ context: ChannelHandlerContext) {
        let view = bytes.readableBytesView
        guard let end = view.firstRange(of: Array("\r\n\r\n".utf8)) else { return }
        guard view.starts(with: Array("HTTP/1.1 101".utf8)) else {
            opened.fail(LoadFailure(description: "a socket was refused: \(String(buffer: bytes))"))
            return context.close(promise: nil)
        }
        bytes.moveReaderIndex(to: end.upperBound)
        isOpen = true
        context.writeAndFlush(wrapOutboundOut(subscription), promise: nil)
        opened.succeed()
    }

    /// RFC 6455 section 5.2, as a server sends it: unmasked.
    private func readFrames(_ bytes: inout ByteBuffer, _ context: ChannelHandlerContext) {
        let now = NIODeadline.now()
        var delivered = 0
        while let header = bytes.getInteger(at: bytes.readerIndex, as: UInt16.self) {
            var length = Int(header & 0x7F)
            var start = 2
            if length == 126 {
                guard let extended = bytes.getInteger(at: bytes.readerIndex + 2, as: UInt16.self) else { break }
                length = Int(extended)
                start = 4
            } else if length == 127 {
                return context.close(promise: nil)
            }
            guard bytes.readableBytes >= start + length else { break }
            bytes.moveReaderIndex(forwardBy: start)
            switch header >> 8 & 0x0F {
            case 0x1: if read(bytes.readableBytesView.prefix(length), now) { delivered += 1 }
            case 0x8: tally.closed("the server closed the socket")
            case 0x9:
                let pong = WebSocketFrameEncoder.pong(masked: UInt32.random(in: .min ... .max))
                context.writeAndFlush(wrapOutboundOut(pong), promise: nil)
            default: break
            }
            bytes.moveReaderIndex(forwardBy: length)
        }
        if delivered > 0 { tally.delivered(delivered) }
    }

    /// - Returns: whether the frame is an alert. Its JSON begins with its id, whose last six digits are its offset.
    private func read(_ json: ByteBufferView, _ now: NIODeadline) -> Bool {
        guard json.starts(with: Self.id) else {
            if json.starts(with: Self.acknowledgement) { tally.subscribed() }
            return false
        }
        let offset = Self.number(json.dropFirst(Self.id.count + 6).prefix(6))
        if let last, offset != last + 1 { tally.outOfOrder(last: last, next: offset) }
        last = offset
        if offset & 15 == 0, let due = Self.due(json) { tally.measured(now - due) }
        return true
    }

    private static let id = Array(#"{"id":""#.utf8)
    private static let acknowledgement = Array(#"{"event":"ack""#.utf8)
    private static let message = Array(#""message":"@"#.utf8)

    /// Base-62 digits in ASCII order.
    private static func number(_ digits: ByteBufferView) -> UInt64 {
        digits.reduce(0) { sum, digit in
            let value =
                digit <= UInt8(ascii: "9")
                ? digit &- UInt8(ascii: "0")
                : digit <= UInt8(ascii: "Z") ? digit &- UInt8(ascii: "A") &+ 10 : digit &- UInt8(ascii: "a") &+ 36
            return sum &* 62 &+ UInt64(value)
        }
    }

    /// When the alert was due: `@<nanoseconds>:` at the beginning of its text.
    private static func due(_ json: ByteBufferView) -> NIODeadline? {
        guard let range = json.firstRange(of: message) else { return nil }
        let digits = json[range.upperBound...].prefix { $0 != UInt8(ascii: ":") }
        return UInt64(String(decoding: digits, as: UTF8.self)).map { .uptimeNanoseconds($0) }
    }
}

@available(*, unavailable)
extension LoadSocket: Sendable {}
