import CrierTesting
import NIOCore
import Reactor
import WebSocketTransport

/// A server on loopback whose sessions a test can reach.
struct LoopbackFixture {
    let server: EchoServer
    private let sessions: AsyncStream<NIOLoopBound<ProbeSession>>

    static func start(prepare: @escaping @Sendable (ProbeSession) -> Void = { _ in }) async throws -> LoopbackFixture {
        let (stream, continuation) = AsyncStream.makeStream(of: NIOLoopBound<ProbeSession>.self)
        let server = try await EchoServer.start(on: .shared) {
            let session = ProbeSession()
            prepare(session)
            continuation.yield(NIOLoopBound(session, eventLoop: ReactorLoop.shared))
            return session
        }
        return LoopbackFixture(server: server, sessions: stream)
    }

    /// A raw connection past its opening handshake, and the server's session of it.
    func connect(
        receiveBuffer: Int? = nil, then bytes: [UInt8] = []
    ) async throws -> (RawConnection, Probe) {
        let raw = try await RawConnection.connect(port: server.port, receiveBuffer: receiveBuffer)
        try await raw.send(Array(Self.request.utf8) + bytes)
        let answer = try await raw.read { String(decoding: $0, as: UTF8.self).contains("\r\n\r\n") }
        guard String(decoding: answer, as: UTF8.self).hasPrefix("HTTP/1.1 101") else { throw Refused() }
        return (raw, try await nextSession())
    }

    func nextSession() async throws -> Probe {
        var iterator = sessions.makeAsyncIterator()
        guard let session = await iterator.next() else { throw Refused() }
        return Probe(session: session)
    }

    struct Refused: Error {}

    static let request =
        "GET / HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        + "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
}

/// A session on another thread's event loop.
struct Probe: Sendable {
    let session: NIOLoopBound<ProbeSession>

    func run<Result: Sendable>(_ body: @escaping @Sendable (ProbeSession) -> Result) async throws -> Result {
        let session = session
        return try await session.eventLoop.submit { body(session.value) }.get()
    }

    func wait(until condition: @escaping @Sendable (ProbeSession) -> Bool) async throws {
        let session = session
        try await session.eventLoop.flatSubmit { session.value.wait(until: condition) }.get()
    }
}
