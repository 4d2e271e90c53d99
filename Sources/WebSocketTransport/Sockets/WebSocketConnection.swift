public import NIOCore
public import Reactor

/// One WebSocket after its opening handshake: bytes in, calls of the session out.
///
/// Costs a socket no task, no timer while it is open, and no frame reader between messages. Everything that came in one read is processed in
/// one go. Memory is bounded by the limits of the reader, one owed pong, and what the session writes.
///
/// Isolation: the connection's event loop.
public final class WebSocketConnection<Session: WebSocketSession> {
    private let session: Session
    private let socket: WebSocket
    private let limits: WebSocketLimits
    private let compression: PerMessageDeflate?
    /// What is under way: a message or a frame of which some bytes have not come.
    private var partial: PartialMessage?
    private var hasEnded = false

    /// - Parameters:
    ///   - session: used by this connection alone.
    ///   - writer: the connection's writing side.
    ///   - role: which end this is.
    ///   - limits: what the peer may send.
    ///   - compression: what the opening handshake agreed on.
    public init(
        session: Session, writer: any SocketWriter, role: WebSocketRole = .server,
        limits: WebSocketLimits = WebSocketLimits(), compression: PerMessageDeflate? = nil
    ) {
        self.session = session
        self.limits = limits
        self.compression = compression
        socket = WebSocket(writer: writer, role: role)
    }

    /// Tells the session that it can write. Called once, first.
    public func open() { session.opened(by: socket) }

    /// What one read of the connection brought.
    public func received(_ bytes: inout ByteBuffer) {
        guard !hasEnded else { return }
        session.heard()
        var reader = takeReader()
        do throws(WebSocketError) {
            while !hasEnded, let event = try reader.next(from: &bytes) { handle(event) }
            if !hasEnded { keep(reader) }
        } catch {
            end(code: nil, reason: error.message) { socket.fail(error) }
        }
    }

    /// The peer has ended its side.
    public func inputEnded() {
        end(code: nil, reason: "the peer ended the connection")
        socket.phase = .closed
        // The last bytes may still be on their way: the writer closes after them.
        if !socket.writer.isFinishing { socket.writer.close() }
    }

    /// Everything that was pending is written.
    public func drained() {
        guard !hasEnded else { return }
        socket.sendOwedPong()
        if socket.phase == .open, socket.writer.pendingBytes == 0 { session.drained() }
    }

    /// The connection is gone.
    public func lost(reason: String) { end(code: nil, reason: reason) }

    // MARK: Frames

    private func handle(_ event: WebSocketFrameReader.Event) {
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

    private func takeReader() -> WebSocketFrameReader {
        guard let partial else {
            return WebSocketFrameReader(role: socket.role, limits: limits, compression: compression)
        }
        self.partial = nil
        return partial.reader
    }

    private func keep(_ reader: WebSocketFrameReader) {
        if !reader.isBetweenMessages { partial = PartialMessage(reader) }
    }

    /// Tells the session, once, after the last words. Should these end the connection at once, that is not the end's cause.
    private func end(code: WebSocketCloseCode?, reason: String, after lastWords: () -> Void = {}) {
        guard !hasEnded else { return }
        hasEnded = true
        partial = nil
        lastWords()
        session.closed(code: code, reason: reason)
    }
}

/// A frame reader in the middle of a message, which only the sockets that are there have.
private final class PartialMessage {
    let reader: WebSocketFrameReader

    init(_ reader: WebSocketFrameReader) { self.reader = reader }
}

extension WebSocketConnection: SocketHandler {
    public func closed(_ error: SocketError?) {
        lost(reason: error?.description ?? "the connection was lost")
    }
}

@available(*, unavailable)
extension WebSocketConnection: Sendable {}
