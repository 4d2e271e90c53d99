import NIOCore
import NIOHTTP1
public import Reactor
public import WebSocketTransport

/// A WebSocket server on loopback: the transport alone, without a gateway.
public struct EchoServer: Sendable {
    private let listener: NIOLoopBound<SocketListener>
    /// The port it listens on.
    public let port: Int

    /// Large enough for every case of a conformance suite.
    public static let generousLimits = WebSocketLimits(
        maxFrameBytes: 16 << 20, maxMessageBytes: 16 << 20, maxFragments: .max)

    /// Starts a server that sends every message back.
    ///
    /// - Parameters:
    ///   - host: the address to listen on.
    ///   - port: 0 for any free one.
    ///   - limits: what a client may send.
    ///   - subprotocols: what the server speaks.
    ///   - loop: carries the connections.
    public static func start(
        host: String = "127.0.0.1", port: Int = 0, limits: WebSocketLimits = generousLimits,
        subprotocols: [String] = [], on loop: ReactorLoop
    ) async throws -> EchoServer {
        try await start(host: host, port: port, limits: limits, subprotocols: subprotocols, on: loop) { EchoSession() }
    }

    /// Starts a server whose sockets carry what `makeSession` returns, called on the loop.
    public static func start<Session: WebSocketSession>(
        host: String = "127.0.0.1", port: Int = 0, limits: WebSocketLimits = generousLimits,
        subprotocols: [String] = [], on loop: ReactorLoop, makeSession: @escaping @Sendable () -> Session
    ) async throws -> EchoServer {
        let listener = try await SocketListener.bind(host: host, port: port, on: loop) { descriptor in
            // Where there is no memory left for it, the connection is as good as refused.
            guard let socket = try? StreamSocket(adopting: descriptor, on: loop) else { return }
            socket.handler = UpgradeGate(socket, subprotocols: subprotocols) { compression in
                WebSocketConnection(
                    session: makeSession(), writer: socket, limits: limits, compression: compression)
            }
        }
        return EchoServer(listener: listener, port: try await loop.submit { listener.value.port }.get())
    }

    /// Stops listening; connections stay.
    public func stop() async throws {
        await withCheckedContinuation { continuation in
            listener.eventLoop.execute { listener.value.stop { continuation.resume() } }
        }
    }
}

extension ReactorLoop {
    /// A loop that tests share; it ends with the process. Without it no test has anything to run on.
    public static let shared: ReactorLoop = {
        do { return try ReactorLoop() } catch { fatalError("no event loop: \(error)") }
    }()
}

/// Answers the first request: with an upgrade, or with the refusal and the end of the connection.
private final class UpgradeGate<Session: WebSocketSession>: SocketHandler {
    private unowned let socket: StreamSocket
    private let subprotocols: [String]
    private let makeConnection: (PerMessageDeflate?) -> WebSocketConnection<Session>
    private var held = ByteBuffer()

    init(
        _ socket: StreamSocket, subprotocols: [String],
        makeConnection: @escaping (PerMessageDeflate?) -> WebSocketConnection<Session>
    ) {
        self.socket = socket
        self.subprotocols = subprotocols
        self.makeConnection = makeConnection
    }

    func received(_ bytes: inout ByteBuffer) {
        held.writeBuffer(&bytes)
        guard socket.isOpen else { return }
        switch PlainRequestHead.read(held) {
        case .incomplete: break
        case .other: refuse(WebSocketHandshakeError(status: 400, message: "not a plain request"))
        case .head(let head, let length):
            held.moveReaderIndex(forwardBy: length)
            answer(head)
        }
    }

    func inputEnded() { socket.close() }

    func drained() {}

    func closed(_ error: SocketError?) {}

    private func answer(_ head: HTTPRequestHead) {
        do throws(WebSocketHandshakeError) {
            let handshake = try WebSocketHandshake.accept(
                head, subprotocols: subprotocols, compression: true)
            let connection = makeConnection(handshake.compression)
            socket.handler = connection
            socket.write(handshake.response())
            connection.open()
            if held.readableBytes > 0 { connection.received(&held) }
        } catch {
            refuse(error)
        }
    }

    private func refuse(_ error: WebSocketHandshakeError) {
        var answer = "HTTP/1.1 \(error.status) Refused\r\nContent-Length: \(error.message.utf8.count)\r\n"
        for header in error.headers { answer += "\(header.name): \(header.value)\r\n" }
        if !error.headers.contains(where: { $0.name == "Connection" }) { answer += "Connection: close\r\n" }
        socket.writeThenClose(ByteBuffer(string: "\(answer)\r\n\(error.message)"))
    }
}
