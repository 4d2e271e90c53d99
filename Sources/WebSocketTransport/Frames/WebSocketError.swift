/// A violation by the peer after which the connection has to fail (RFC 6455 section 7.1.7).
public struct WebSocketError: Error, Sendable, Equatable {
    /// The code that the close frame sent to the peer carries.
    public let closeCode: WebSocketCloseCode
    /// What was wrong, precise enough for the author of the peer to act on it; at most 123 bytes, so that it fits a close frame.
    public let message: String

    public init(closeCode: WebSocketCloseCode, message: String) {
        self.closeCode = closeCode
        self.message = message
    }
}

extension WebSocketError {
    static func framing(_ message: String) -> WebSocketError {
        WebSocketError(closeCode: .protocolError, message: message)
    }
}
