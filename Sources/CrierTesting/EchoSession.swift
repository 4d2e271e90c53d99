public import NIOCore
public import WebSocketTransport

/// Sends every message back as it came.
public final class EchoSession: WebSocketSession {
    private var socket: WebSocket?

    public init() {}

    public func opened(by socket: WebSocket) {
        self.socket = socket
    }

    public func received(text: ByteBuffer) {
        socket?.send(text: text)
    }

    public func received(binary: ByteBuffer) {
        socket?.send(binary: binary)
    }

    public func heard() {}

    public func closed(code: WebSocketCloseCode?, reason: String) {
        socket = nil
    }
}
