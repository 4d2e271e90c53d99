import NIOCore
import NIOHTTP1
import NIOHTTPTypesHTTP1

/// The first handler behind the HTTP decoder of every connection: sends readers to the hub and everything else to the HTTP framework.
///
/// A reader's connection loses the HTTP handlers and gets one handler of its own: it costs no task and no asynchronous channel, whether it
/// is the first request on its connection or a later one. The framework's part of the pipeline is made when the first other request comes.
///
/// Deadlines: a first request head within 5 s, a body within 30 s, the next request within 75 s.
final class FrontDoor: ChannelDuplexHandler, RemovableChannelHandler {
    typealias InboundIn = HTTPServerRequestPart
    typealias InboundOut = HTTPServerRequestPart
    typealias OutboundIn = HTTPServerResponsePart
    typealias OutboundOut = HTTPServerResponsePart

    static let headDeadline = TimeAmount.seconds(5)
    static let bodyDeadline = TimeAmount.seconds(30)
    static let idleDeadline = TimeAmount.seconds(75)
    private static let maximumHead = 16 * 1024
    private static let maximumTarget = 8 * 1024

    private enum State {
        case awaitingHead
        /// A reader's request has begun; its end makes it a reader.
        case reader(HTTPRequestHead, Route)
        /// The HTTP framework has the request.
        case http
        /// Refused: the rest of what comes is discarded.
        case refused
    }

    let context: GatewayContext
    private let http: HTTPConnections
    private var state = State.awaitingHead
    /// Requests given to the framework that it has not answered.
    private var unanswered = 0
    /// Whether the connection ends once the framework has answered.
    private var isLastAnswer = false
    var framework: HTTP1ToHTTPServerCodec?
    var deadline: Scheduled<Void>?

    init(_ context: GatewayContext, http: HTTPConnections) {
        self.context = context
        self.http = http
    }

    func handlerAdded(context: ChannelHandlerContext) { arm(Self.headDeadline, context) }

    func handlerRemoved(context: ChannelHandlerContext) {
        deadline?.cancel()
        self.context.requests.end(unanswered)
        unanswered = 0
    }

    func channelInactive(context: ChannelHandlerContext) {
        deadline?.cancel()
        context.fireChannelInactive()
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        let part = unwrapInboundIn(data)
        switch (part, state) {
        case (.head(let head), .awaitingHead): begin(head, context)
        case (.body, .reader):
            refuse(GatewayError(.invalidRequest, "a reading request has no body"), context)
        case (.end, .reader(let head, let route)):
            do throws(GatewayError) {
                try takeOver(head, route, context)
            } catch {
                refuse(error, context)
            }
        case (_, .http):
            context.fireChannelRead(data)
            if case .end = part {
                state = .awaitingHead
                arm(Self.idleDeadline, context)
            }
        case (_, .refused), (_, .awaitingHead), (.head, .reader): break
        }
    }

    func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
        guard case .end = unwrapOutboundIn(data), unanswered > 0 else { return context.write(data, promise: promise) }
        unanswered -= 1
        defer { self.context.requests.end() }
        if (isLastAnswer || self.context.isLeaving) && unanswered == 0 {
            context.writeAndFlush(data, promise: promise)
            context.close(promise: nil)
        } else {
            context.write(data, promise: promise)
        }
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        if case .http = state { return breakOff(error is HTTPParserError, context) }
        guard let error = error as? HTTPParserError else { return context.close(promise: nil) }
        let refusal =
            error == .headerOverflow
            ? GatewayError(.headersTooLarge, "the request head is over \(Self.maximumHead) bytes")
            : GatewayError(.invalidRequest, "the request is not valid HTTP/1.1")
        refuse(refusal, context)
    }

    private func begin(_ head: HTTPRequestHead, _ context: ChannelHandlerContext) {
        if let error = Self.excess(of: head) { return refuse(error, context) }
        arm(Self.bodyDeadline, context)
        let route = head.method == .GET ? Route(path: head.path) : .http
        if route == .http || unanswered > 0 {
            // A reader's request that is pipelined behind another is the framework's too, which refuses it.
            enterFramework(head, context)
        } else {
            state = .reader(head, route)
        }
    }

    /// The body of a request that the framework has breaks off. The framework is told, since it takes the connection's end for the body's.
    private func breakOff(_ isInvalid: Bool, _ context: ChannelHandlerContext) {
        state = .refused
        context.fireErrorCaught(BodyBrokenOff())
        if isInvalid && unanswered > 0 {
            isLastAnswer = true
        } else {
            context.close(promise: nil)
        }
    }

    private static func excess(of head: HTTPRequestHead) -> GatewayError? {
        guard head.uri.utf8.count <= maximumTarget else {
            return GatewayError(.uriTooLong, "the request target is over \(maximumTarget) bytes")
        }
        guard !head.path.contains("%00") else {
            return GatewayError(.invalidRequest, "a path has no zero byte")
        }
        let size = head.headers.reduce(0) { $0 + $1.name.utf8.count + $1.value.utf8.count + 4 }
        guard size <= maximumHead else {
            return GatewayError(.headersTooLarge, "the request head is over \(maximumHead) bytes")
        }
        return nil
    }

    private func enterFramework(_ head: HTTPRequestHead, _ context: ChannelHandlerContext) {
        if framework == nil {
            do {
                framework = try http.attach(to: context.channel)
            } catch {
                return context.close(promise: nil)
            }
        }
        state = .http
        unanswered += 1
        self.context.requests.begin()
        if head.headers["expect"].contains(where: { $0.lowercased() == "100-continue" }) && head.version == .http1_1 {
            context.writeAndFlush(
                wrapOutboundOut(.head(HTTPResponseHead(version: .http1_1, status: .continue))), promise: nil)
        }
        context.fireChannelRead(wrapInboundOut(.head(head)))
    }

    private func arm(_ amount: TimeAmount, _ channelContext: ChannelHandlerContext) {
        deadline?.cancel()
        let bound = NIOLoopBound((door: self, context: channelContext), eventLoop: channelContext.eventLoop)
        deadline = channelContext.eventLoop.scheduleTask(in: amount) {
            bound.value.door.timeOut(bound.value.context)
        }
    }

    private func timeOut(_ context: ChannelHandlerContext) {
        switch state {
        case .awaitingHead where framework != nil:
            // Idle between requests, or still being answered.
            if unanswered == 0 { context.close(promise: nil) } else { arm(Self.idleDeadline, context) }
        case .refused: context.close(promise: nil)
        case .awaitingHead, .reader, .http:
            refuse(GatewayError(.requestTimeout, "the request did not arrive in time"), context)
        }
    }
}

// Refusals.
extension FrontDoor {
    /// Answers with an error and closes, unless the framework is in the middle of an answer.
    private func refuse(_ error: GatewayError, _ context: ChannelHandlerContext) {
        if case .refused = state { return }
        state = .refused
        self.context.metrics.refused(error.code)
        guard unanswered == 0 else { return context.close(promise: nil) }
        let body = error.body
        var headers = HTTPHeaders([
            ("Content-Type", "application/json"), ("Content-Length", String(body.count)), ("Connection", "close"),
            ("Cache-Control", "no-store"), ("X-Content-Type-Options", "nosniff"),
        ])
        if let seconds = error.retryAfter { headers.add(name: "Retry-After", value: String(seconds)) }
        for header in error.headers { headers.replaceOrAdd(name: header.name, value: header.value) }
        let head = HTTPResponseHead(
            version: .http1_1, status: HTTPResponseStatus(statusCode: error.code.status), headers: headers)
        context.write(wrapOutboundOut(.head(head)), promise: nil)
        context.write(wrapOutboundOut(.body(.byteBuffer(ByteBuffer(bytes: body)))), promise: nil)
        let channel = NIOLoopBound(context, eventLoop: context.eventLoop)
        context.writeAndFlush(wrapOutboundOut(.end(nil))).whenComplete { _ in
            // What the peer still sends is read and discarded, so that it gets the answer before the connection's end.
            channel.value.close(mode: .output, promise: nil)
        }
        deadline?.cancel()
        deadline = context.eventLoop.scheduleTask(in: .seconds(2)) { channel.value.close(promise: nil) }
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        if case .inputClosed? = event as? ChannelEvent {
            switch state {
            case .refused: context.close(promise: nil)
            case .awaitingHead where framework == nil, .reader: context.close(promise: nil)
            case .awaitingHead, .http: break
            }
        }
        context.fireUserInboundEventTriggered(event)
    }
}

@available(*, unavailable)
extension FrontDoor: Sendable {}
