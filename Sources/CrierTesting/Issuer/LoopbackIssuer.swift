import NIOConcurrencyHelpers
import NIOCore
import NIOHTTP1
import NIOPosix

/// An issuer on loopback: a real HTTP server whose answers a test sets, and which counts what it was asked.
public final class LoopbackIssuer: Sendable {
    public enum Answer: Sendable {
        case reply(status: Int = 200, headers: [String: String] = [:], body: String = "")
        /// The head and the beginning of a body, and then nothing more.
        case stalled
        /// The connection ends without an answer.
        case hungUp
        case silent
    }

    private struct State {
        var answers: [String: Answer] = [:]
        var counts: [String: Int] = [:]
    }

    private let state: NIOLockedValueBox<State>
    private let listener: any Channel
    public let port: Int

    private init(_ state: NIOLockedValueBox<State>, _ listener: any Channel, port: Int) {
        self.state = state
        self.listener = listener
        self.port = port
    }

    /// Listens for as long as the body runs.
    public static func with(_ body: (LoopbackIssuer) async throws -> Void) async throws {
        let state = NIOLockedValueBox(State())
        let listener = try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .childChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.configureHTTPServerPipeline()
                    try channel.pipeline.syncOperations.addHandler(
                        Responder { path in
                            state.withLockedValue { state in
                                state.counts[path, default: 0] += 1
                                return state.answers[path] ?? .reply(status: 404)
                            }
                        })
                }
            }
            .bind(host: "127.0.0.1", port: 0).get()
        guard let port = listener.localAddress?.port else { preconditionFailure("a bound port") }
        let issuer = LoopbackIssuer(state, listener, port: port)
        try await perform {
            try await body(issuer)
        } finally: {
            await issuer.stop()
        }
    }

    /// Connections are refused from then on.
    public func stop() async { try? await listener.close() }

    public var url: String { "http://127.0.0.1:\(port)" }

    public func answer(_ path: String, _ answer: Answer) { state.withLockedValue { $0.answers[path] = answer } }

    public func requests(to path: String) -> Int { state.withLockedValue { $0.counts[path] ?? 0 } }

    public static let descriptionPath = "/.well-known/openid-configuration"
    public static let keysPath = "/keys"

    /// How often the keys were asked for.
    public var fetches: Int { requests(to: Self.keysPath) }

    /// Serves a description and these keys.
    public func serve(_ keys: [SigningKey], cacheControl: String? = nil) {
        answer(
            Self.descriptionPath,
            .reply(body: #"{"issuer":"\#(url)","jwks_uri":"\#(url)\#(Self.keysPath)","extra":[1,2]}"#))
        answer(
            Self.keysPath,
            .reply(
                headers: cacheControl.map { ["Cache-Control": $0] } ?? [:],
                body: #"{"keys":[\#(keys.map(\.webKey).joined(separator: ","))]}"#))
    }
}

private final class Responder: ChannelInboundHandler {
    typealias InboundIn = HTTPServerRequestPart
    typealias OutboundOut = HTTPServerResponsePart

    private let answer: (String) -> LoopbackIssuer.Answer
    private var path = ""

    init(_ answer: @escaping (String) -> LoopbackIssuer.Answer) { self.answer = answer }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        switch unwrapInboundIn(data) {
        case .head(let head): path = head.uri
        case .body: break
        case .end: respond(answer(path), on: context)
        }
    }

    private func respond(_ answer: LoopbackIssuer.Answer, on context: ChannelHandlerContext) {
        switch answer {
        case .reply(let status, let headers, let body):
            var fields = HTTPHeaders(headers.map { ($0.key, $0.value) })
            fields.add(name: "Content-Length", value: String(body.utf8.count))
            write(.init(version: .http1_1, status: .init(statusCode: status), headers: fields), body, on: context)
            context.writeAndFlush(wrapOutboundOut(.end(nil)), promise: nil)
        case .stalled:
            write(.init(version: .http1_1, status: .ok, headers: ["Content-Length": "1000"]), "{", on: context)
        case .hungUp: context.close(promise: nil)
        case .silent: break
        }
    }

    private func write(_ head: HTTPResponseHead, _ body: String, on context: ChannelHandlerContext) {
        context.write(wrapOutboundOut(.head(head)), promise: nil)
        context.writeAndFlush(wrapOutboundOut(.body(.byteBuffer(ByteBuffer(string: body)))), promise: nil)
    }
}
