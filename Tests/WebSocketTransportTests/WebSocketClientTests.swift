import CrierTesting
import NIOCore
import NIOPosix
import Testing
import WebSocketTransport

/// What a server may answer instead of an upgrade.
struct CannedAnswer: Sendable, CustomTestStringConvertible {
    var name: String
    var bytes: String
    var status: Int?
    var body = ""
    var message: String
    /// Whether the server ends the connection after the answer.
    var ends = false

    var testDescription: String { name }
}

private let upgrade = "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"

private let answers = [
    CannedAnswer(
        name: "a length", bytes: "HTTP/1.1 503 Busy\r\nContent-Length: 4\r\n\r\nwait", status: 503, body: "wait",
        message: "the server answered with status 503"),
    CannedAnswer(
        name: "no length", bytes: "HTTP/1.1 403 No\r\n\r\ngo away", status: 403, body: "go away",
        message: "the server answered with status 403", ends: true),
    CannedAnswer(
        name: "chunks", bytes: "HTTP/1.1 401 No\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nno\r\n0\r\n\r\n", status: 401,
        body: "2\r\nno\r\n0\r\n\r\n", message: "the server answered with status 401"),
    CannedAnswer(
        name: "a wrong accept", bytes: upgrade + "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n",
        status: 101,
        message: "Sec-WebSocket-Accept does not fit the key"),
    CannedAnswer(
        name: "no upgrade", bytes: "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\n\r\n", status: 101,
        message: "status 101 without an upgrade to websocket"),
    CannedAnswer(name: "no HTTP", bytes: "SSH-2.0-x\r\n\r\n", message: "the answer is not HTTP/1.1"),
    CannedAnswer(
        name: "a head without an end", bytes: String(repeating: "a", count: 16_385),
        message: "the answer's head is longer than 16384 bytes"),
    CannedAnswer(
        name: "nothing", bytes: "", message: "the connection ended before an answer came", ends: true),
]

@Suite(.timeLimit(.minutes(5))) struct WebSocketClientTests {
    @Test("a refusal says what came instead", arguments: answers) func refuses(_ answer: CannedAnswer) async throws {
        let server = try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .childChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.addHandler(Answering(answer))
                }
            }
            .bind(host: "127.0.0.1", port: 0).get()
        let port = server.localAddress?.port ?? 0
        await #expect {
            _ = try await TestWebSocket.connect(port: port)
        } throws: { error in
            guard let error = error as? WebSocketConnectError else { return false }
            return error.status == answer.status && error.body == answer.body && error.message == answer.message
        }
        try await server.close()
    }

    @Test("a server that does not answer is given up at the bound") func silent() async throws {
        let silence = CannedAnswer(name: "silence", bytes: "", message: "")
        let group = MultiThreadedEventLoopGroup.singleton
        let server = try await ServerBootstrap(group: group)
            .childChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.addHandler(Answering(silence))
                }
            }
            .bind(host: "127.0.0.1", port: 0).get()
        let port = server.localAddress?.port ?? 0
        await #expect(throws: WebSocketConnectError(message: "the server did not answer in time")) {
            _ = try await connectWebSocket(host: "127.0.0.1", port: port, timeout: .milliseconds(100), on: group) { _ in
                EchoSession()
            }
        }
        try await server.close()
    }
}

/// Sends the answer once the request's head is there.
private final class Answering: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    private let answer: CannedAnswer
    private var request: [UInt8] = []

    init(_ answer: CannedAnswer) { self.answer = answer }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        request += Array(unwrapInboundIn(data).readableBytesView)
        guard request.suffix(4) == [13, 10, 13, 10] else { return }
        context.writeAndFlush(wrapOutboundOut(ByteBuffer(string: answer.bytes)), promise: nil)
        if answer.ends { context.close(promise: nil) }
    }
}
