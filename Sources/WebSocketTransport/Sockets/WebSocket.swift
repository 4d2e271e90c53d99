public import NIOCore
public import Reactor

/// What a session writes through: one open WebSocket.
///
/// Isolation: the socket's event loop only. No call here calls back into the session.
public final class WebSocket {
    enum Phase {
        /// Messages flow.
        case open
        /// Our close frame is out and the peer's has not come.
        case closing
        /// Both close frames were exchanged, or the connection failed.
        case closed
    }

    /// Takes encoded frames of this end's role. Nothing else may be written to it: the peer reads frames.
    public let writer: any SocketWriter
    /// Whose frames are written here: a client's are masked.
    public let role: WebSocketRole

    var phase = Phase.open
    /// The payload of the newest ping that came while writes were pending.
    private var owedPong: ByteBuffer?

    init(writer: any SocketWriter, role: WebSocketRole) {
        self.writer = writer
        self.role = role
    }

    /// The connection's event loop.
    public var eventLoop: any EventLoop { writer.eventLoop }

    /// Whether messages can be sent.
    public var isOpen: Bool { phase == .open && writer.isOpen }

    /// Sends a message as one frame. The text has to be UTF-8. A server that sends the same to many encodes once and uses ``writer``.
    public func send(text: ByteBuffer) {
        writer.write(WebSocketFrameEncoder.frame(opcode: .text, payload: text, masked: freshKey))
    }

    /// Sends a message as one frame.
    public func send(text: String) {
        send(text: ByteBuffer(string: text))
    }

    /// Sends a message as one frame.
    public func send(binary: ByteBuffer) {
        writer.write(WebSocketFrameEncoder.frame(opcode: .binary, payload: binary, masked: freshKey))
    }

    /// Sends a ping.
    /// - Parameter payload: what the pong will carry, 125 bytes at most.
    public func ping(payload: ByteBuffer = ByteBuffer()) {
        writer.write(WebSocketFrameEncoder.ping(payload: payload, masked: freshKey))
    }

    /// Starts the closing handshake (RFC 6455 section 7.1.2). Messages that still come are discarded. The session's `closed` is called when
    /// the peer's close frame comes or the connection ends, which is at the latest 5 seconds from now.
    ///
    /// - Parameters:
    ///   - code: `nil`, or one that may not be sent, sends a close frame without a code.
    ///   - reason: for people; cut after the last character that fits 123 bytes.
    public func close(code: WebSocketCloseCode? = .normal, reason: String = "") {
        guard phase == .open else { return }
        phase = .closing
        owedPong = nil
        writer.writeLast(WebSocketFrameEncoder.closeFrame(code: code, reason: reason, masked: freshKey))
    }

    // MARK: For the handler

    /// Answers a ping; while writes are pending only the newest is remembered (RFC 6455 section 5.5.3).
    func answerPing(_ payload: ByteBuffer) {
        guard phase == .open else { return }
        if writer.pendingBytes == 0 {
            writer.write(WebSocketFrameEncoder.pong(payload: payload, masked: freshKey))
        } else {
            owedPong = payload
        }
    }

    func sendOwedPong() {
        guard let payload = owedPong else { return }
        owedPong = nil
        answerPing(payload)
    }

    /// The peer's close frame came: echoes its code if that is still to be done (RFC 6455 section 5.5.1). A server then closes the
    /// connection; a client leaves that to it (section 7.1.1).
    func peerClosed(code: WebSocketCloseCode?) {
        let echo =
            phase == .open
            ? WebSocketFrameEncoder.closeFrame(code: code, masked: freshKey) : ByteBuffer()
        phase = .closed
        owedPong = nil
        switch role {
        case .server: writer.writeThenClose(echo)
        case .client: writer.writeLast(echo)
        }
    }

    /// The peer broke the protocol: tells it why, unless the last frame is out already, and ends the connection (RFC 6455 section 7.1.7).
    func fail(_ error: WebSocketError) {
        let farewell =
            phase == .open
            ? WebSocketFrameEncoder.closeFrame(code: error.closeCode, reason: error.message, masked: freshKey)
            : ByteBuffer()
        phase = .closed
        owedPong = nil
        writer.writeThenClose(farewell)
    }

    private var freshKey: UInt32? {
        role == .client ? UInt32.random(in: .min ... .max) : nil
    }
}

@available(*, unavailable)
extension WebSocket: Sendable {}
