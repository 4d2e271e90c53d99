public import NIOCore

/// What lives on a ``StreamSocket``.
///
/// Isolation: called on the socket's loop, by the loop itself, never from inside a call of the socket.
public protocol SocketHandler: AnyObject {
    /// Bytes arrived. What is left in the buffer after the call is discarded, and its storage is used again for other sockets: a handler that
    /// keeps bytes copies them.
    func received(_ bytes: inout ByteBuffer)

    /// The peer has ended its side: nothing more arrives.
    func inputEnded()

    /// Everything that was pending is written.
    func drained()

    /// The connection is gone. The last call, made exactly once unless the socket was given away.
    ///
    /// - Parameter error: what broke it; `nil` where it was closed.
    func closed(_ error: SocketError?)
}
