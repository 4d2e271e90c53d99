import CrierTesting
import NIOConcurrencyHelpers
import NIOCore
import NIOHTTP1
import NIOPosix

/// An HTTP server on loopback that stands in for Google: a test gives its answers, and it keeps what it was asked.
final class LoopbackServer: Sendable {
    struct Request: Sendable {
        let method: HTTPMethod
        /// With the query.
        let path: String
        let headers: HTTPHeaders
        let body: [UInt8]

        var text: String { String(decoding: body, as: UTF8.self) }
    }

    enum Answer: Sendable {
        case whole(status: Int, headers: [String: String], body: String)
        /// The head and the beginning of a body, and then nothing more.
        case stalled
        /// The same, and the end of the connection.
        case cut
        /// The connection ends without an answer.
        case hungUp
        case silent
        /// What is no HTTP.
        case garbage([UInt8])

        static func reply(_ body: String = "{}") -> Answer { .whole(status: 200, headers: [:], body: body) }
        static func reply(headers: [String: String], _ body: String) -> Answer {
            .whole(status: 200, headers: headers, body: body)
        }
        static func reply(_ status: Int, headers: [String: String] = [:], _ body: String) -> Answer {
            .whole(status: status, headers: headers, body: body)
        }
    }

    /// What the server answers.
    struct Script: Sendable {
        let answer: @Sendable (Request) -> Answer

        static func by(_ answer: @escaping @Sendable (Request) -> Answer) -> Script { Script(answer: answer) }
    }

    private struct State {
        var script: Script
        var requests: [Request] = []
    }

    private let state: NIOLockedValueBox<State>
    private let listener: any Channel
    let port: Int

    private init(_ state: NIOLockedValueBox<State>, _ listener: any Channel, port: Int) {
        self.state = state
        self.listener = listener
        self.port = port
    }

    /// Listens for as long as the body runs.
    static func with(
        _ script: Script = .by { _ in .reply() }, _ body: (LoopbackServer) async throws -> Void
    ) async throws {
        let state = NIOLockedValueBox(State(script: script))
        let listener = try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .childChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.addHandlers(
                        HTTPResponseEncoder(), ByteToMessageHandler(HTTPRequestDecoder()),
                        Responder { request in
                            state.withLockedValue { state in
                                state.requests.append(request)
                                return state.script
                            }.answer(request)
                        })
                }
            }
            .bind(host: "127.0.0.1", port: 0).get()
        guard let port = listener.localAddress?.port else { preconditionFailure("a bound port") }
        let server = LoopbackServer(state, listener, port: port)
        try await perform {
            try await body(server)
        } finally: {
            await server.stop()
        }
    }

    /// Connections are refused from then on.
    func stop() async { try? await listener.close() }

    var url: String { "http://127.0.0.1:\(port)" }

    func answer(_ answer: @escaping @Sendable (Request) -> Answer) {
        state.withLockedValue { $0.script = .by(answer) }
    }

    var requests: [Request] { state.withLockedValue { $0.requests } }

    func requests(to path: String) -> [Request] { requests.filter { $0.path == path } }
}

private final class Responder: ChannelInboundHandler {
    typealias InboundIn = HTTPServerRequestPart
    typealias OutboundOut = HTTPServerResponsePart

    private let answer: @Sendable (LoopbackServer.Request) -> LoopbackServer.Answer
    private var head: HTTPRequestHead?
    private var body: [UInt8] = []

    init(_ answer: @escaping @Sendable (LoopbackServer.Request) -> LoopbackServer.Answer) { self.answer = answer }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        switch unwrapInboundIn(data) {
        case .head(let head):
            self.head = head
            body = []
        case .body(let part): body += part.readableBytesView
        case .end:
            guard let head else { return }
            respond(
                answer(.init(method: head.method, path: head.uri, headers: head.headers, body: body)), on: context)
        }
    }

    private func respond(_ answer: LoopbackServer.Answer, on context: ChannelHandlerContext) {
        switch answer {
        case .whole(let status, let headers, let body):
            reply(status, headers, body, on: context)
        case .stalled: begin(on: context)
        case .cut:
            begin(on: context)
            context.close(promise: nil)
        case .hungUp: context.close(promise: nil)
        case .silent: break
        case .garbage(let bytes):
            guard let encoder = try? context.pipeline.syncOperations.context(handlerType: HTTPResponseEncoder.self)
            else { return }
            encoder.writeAndFlush(NIOAny(ByteBuffer(bytes: bytes)), promise: nil)
            context.close(promise: nil)
        }
    }

    private func reply(_ status: Int, _ headers: [String: String], _ body: String, on context: ChannelHandlerContext) {
        var fields = HTTPHeaders(headers.map { ($0.key, $0.value) })
        fields.add(name: "Content-Length", value: String(body.utf8.count))
        let head = HTTPResponseHead(version: .http1_1, status: .init(statusCode: status), headers: fields)
        context.write(wrapOutboundOut(.head(head)), promise: nil)
        context.write(wrapOutboundOut(.body(.byteBuffer(ByteBuffer(string: body)))), promise: nil)
        context.writeAndFlush(wrapOutboundOut(.end(nil)), promise: nil)
    }

    private func begin(on context: ChannelHandlerContext) {
        let head = HTTPResponseHead(version: .http1_1, status: .ok, headers: ["Content-Length": "1000"])
        context.write(wrapOutboundOut(.head(head)), promise: nil)
        context.writeAndFlush(wrapOutboundOut(.body(.byteBuffer(ByteBuffer(string: "{\"a\":")))), promise: nil)
    }
}
