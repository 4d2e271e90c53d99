import HTTPTypes
import Hummingbird
import HummingbirdCore
import Logging
import NIOCore
import NIOHTTPTypes

/// Runs a connection's requests through the router, one after the other.
struct HTTPService: HTTPChannelHandler {
    typealias Value = NIOAsyncChannel<HTTPRequestPart, HTTPResponsePart>

    let responder: Responder
    let logger: Logger

    init(_ router: some HTTPResponder<GatewayRequestContext>, logger: Logger) {
        self.logger = logger
        self.responder = { request, writer, channel in
            let context = GatewayRequestContext(source: .init(channel: channel, logger: logger))
            let response: Response
            do {
                response = try await router.respond(to: request, context: context)
            } catch {
                logger.error("a request failed", metadata: ["error": "\(error)", "path": "\(request.uri.path)"])
                response = ErrorAnswer.response(
                    GatewayError(.internalError, "the server has a fault, which it has logged"))
            }
            try await writer.write(response: response.head, body: response.body)
        }
    }

    func setup(channel: any Channel, logger: Logger) -> EventLoopFuture<Value> {
        channel.eventLoop.makeCompletedFuture {
            try NIOAsyncChannel(wrappingChannelSynchronously: channel)
        }
    }

    func handle(value: Value, logger: Logger) async {
        await handleHTTP(asyncChannel: value, logger: logger)
    }
}

/// A request's context: the framework's, and the connection.
struct GatewayRequestContext: RequestContext {
    var coreContext: CoreRequestContextStorage
    let channel: any Channel

    init(source: ApplicationRequestContextSource) {
        self.coreContext = CoreRequestContextStorage(source: source)
        self.channel = source.channel
    }
}
