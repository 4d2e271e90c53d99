public import NIOCore

/// What lives on a socket.
///
/// Isolation: every method is called on the socket's event loop, and none from inside a call of a socket's writer or ``WebSocket``: a
/// loop over many sockets that writes to each is not interrupted by the end of one.
public protocol WebSocketSession: AnyObject, SendableMetatype {
    /// The socket is ready for writing. Called first, once.
    func opened(by socket: WebSocket)
    /// A whole text message, valid UTF-8.
    func received(text: ByteBuffer)
    /// A whole binary message.
    func received(binary: ByteBuffer)
    /// Bytes arrived, a pong among them; called at most once a read cycle, before what they held.
    func heard()
    /// Everything that was pending is written: `writer.pendingBytes` is 0 again.
    func drained()
    /// The end. Called exactly once, whatever the cause, and last.
    ///
    /// - Parameters:
    ///   - code: what the peer's close frame carried, ``WebSocketCloseCode/noStatus`` if it carried none. `nil` if no close frame came.
    ///   - reason: the peer's, or without a close frame what happened instead.
    func closed(code: WebSocketCloseCode?, reason: String)
}

extension WebSocketSession {
    /// Does nothing.
    public func drained() {}
}
