import DequeModule
import NIOCore
import NIOHTTP1
import NIOHTTPTypesHTTP1

#if canImport(Musl)
    import Musl
#else
    import Glibc
#endif

/// The first handler behind the HTTP decoder of the framework's connections: keeps the limits and deadlines, gives requests to the framework,
/// and sends a connection on which a reader's request comes back to the event loops of readers.
///
/// The framework's part of the pipeline is made when the first request for it comes.
///
/// Its deadlines are `HTTPDeadline`'s.
final class FrontDoor: ChannelDuplexHandler, RemovableChannelHandler {
    typealias InboundIn = HTTPServerRequestPart
    typealias InboundOut = HTTPServerRequestPart
    typealias OutboundIn = HTTPServerResponsePart
    typealias OutboundOut = HTTPServerResponsePart

    private enum State {
        case awaitingHead
        /// A reader's request has begun; its end makes it a reader.
        case reader(ReaderRequest)
        /// The HTTP framework has the request.
        case http
        /// Refused, or sent to another VM: the rest of what comes is discarded.
        case refused
    }

    private let context: GatewayContext
    private let http: HTTPConnections
    private let wayBack: HTTPWayBack
    private let slot: ConnectionSlot
    private var state = State.awaitingHead
    /// Requests given to the framework that it has not answered, in order: what each one's answer carries.
    private var unanswered: Deque<CookieChange?> = []
    /// The connection's last answer, to a request that stands behind those.
    private var lastAnswer: ByteBuffer?
    /// Whether the connection ends once the framework has answered.
    private var isLastAnswer = false
    private var framework: HTTP1ToHTTPServerCodec?
    private var deadline: Scheduled<Void>?

    init(_ context: GatewayContext, http: HTTPConnections, wayBack: HTTPWayBack, slot: ConnectionSlot) {
        self.context = context
        self.http = http
        self.wayBack = wayBack
        self.slot = slot
    }

    func handlerAdded(context: ChannelHandlerContext) { arm(HTTPDeadline.head, context) }

    func handlerRemoved(context: ChannelHandlerContext) {
        deadline?.cancel()
        self.context.requests.end(unanswered.count)
        unanswered = []
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
        case (.end, .reader(let request)): sendBack(request, context)
        case (_, .http):
            context.fireChannelRead(data)
            if case .end = part {
                state = .awaitingHead
                arm(HTTPDeadline.idle, context)
            }
        case (_, .refused), (_, .awaitingHead), (.head, .reader): break
        }
    }

    func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
        switch unwrapOutboundIn(data) {
        case .head(var head):
            guard let change = unanswered.first ?? nil else { return context.write(data, promise: promise) }
            head.headers.carry(change)
            context.write(wrapOutboundOut(.head(head)), promise: promise)
        case .end where !unanswered.isEmpty: writeEnd(data, promise, context)
        case .body, .end: context.write(data, promise: promise)
        }
    }

    private func writeEnd(_ data: NIOAny, _ promise: EventLoopPromise<Void>?, _ context: ChannelHandlerContext) {
        unanswered.removeFirst()
        defer { self.context.requests.end() }
        guard unanswered.isEmpty else { return context.write(data, promise: promise) }
        if let lastAnswer {
            context.write(data, promise: promise)
            self.lastAnswer = nil
            end(with: lastAnswer, context)
        } else if isLastAnswer || self.context.isLeaving {
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
            ? HTTPRequestHead.tooLarge
            : GatewayError(.invalidRequest, "the request is not valid HTTP/1.1")
        refuse(refusal, context)
    }

    private func begin(_ head: HTTPRequestHead, _ context: ChannelHandlerContext) {
        if let error = head.excess { return refuse(error, context) }
        arm(HTTPDeadline.body, context)
        switch self.context.admission(of: head) {
        case .serve(let change): admit(head, change, context)
        case .answer(let answer):
            state = .refused
            if unanswered.isEmpty { end(with: answer, context) } else { lastAnswer = answer }
        }
    }

    private func admit(_ head: HTTPRequestHead, _ change: CookieChange?, _ context: ChannelHandlerContext) {
        let route = head.method == .GET ? Route(path: head.path) : .http
        if route == .http || !unanswered.isEmpty {
            // A reader's request that is pipelined behind another is the framework's too, which refuses it.
            enterFramework(head, change, context)
        } else {
            state = .reader(ReaderRequest(head: head, route: route, cookieChange: change))
        }
    }

    /// The body of a request that the framework has breaks off. The framework is told, since it takes the connection's end for the body's.
    private func breakOff(_ isInvalid: Bool, _ context: ChannelHandlerContext) {
        state = .refused
        context.fireErrorCaught(BodyBrokenOff())
        if isInvalid && !unanswered.isEmpty {
            isLastAnswer = true
        } else {
            context.close(promise: nil)
        }
    }

    private func enterFramework(_ head: HTTPRequestHead, _ change: CookieChange?, _ context: ChannelHandlerContext) {
        if framework == nil {
            do {
                framework = try http.attach(to: context.channel)
            } catch {
                return context.close(promise: nil)
            }
        }
        state = .http
        unanswered.append(change)
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
            if unanswered.isEmpty { context.close(promise: nil) } else { arm(HTTPDeadline.idle, context) }
        case .refused: context.close(promise: nil)
        case .awaitingHead, .reader, .http:
            refuse(GatewayError(.requestTimeout, "the request did not arrive in time"), context)
        }
    }
}

// Readers.
extension FrontDoor {
    /// Takes the descriptor out of the channel and gives it to the readers' loops, with what the decoder has read beyond the request.
    private func sendBack(_ request: ReaderRequest, _ context: ChannelHandlerContext) {
        let channel = context.channel
        let pipeline = channel.pipeline.syncOperations
        deadline?.cancel()
        let rest = LeftOverBytes()
        let bound = NIOLoopBound((door: self, rest: rest), eventLoop: context.eventLoop)
        do {
            let decoder = try pipeline.context(handlerType: ByteToMessageHandler<HTTPRequestDecoder>.self)
            if let framework { _ = pipeline.removeHandler(framework) }
            try pipeline.addHandler(rest, position: .after(self))
            _ = pipeline.removeHandler(context: context)
            pipeline.removeHandler(context: decoder).whenComplete { _ in
                bound.value.door.leave(channel, with: bound.value.rest.bytes, request)
            }
        } catch {
            channel.close(promise: nil)
        }
    }

    private func leave(_ channel: any Channel, with bytes: ByteBuffer, _ request: ReaderRequest) {
        let copy = try? channel.pipeline.syncOperations.withUnsafeTransportIfAvailable(of: NIOBSDSocket.Handle.self) {
            // The connection lives as long as one of its descriptors does.
            fcntl(CInt($0), F_DUPFD_CLOEXEC, 0)
        }
        channel.close(promise: nil)
        if let copy, copy >= 0 { wayBack.take(copy, slot, request: request, then: bytes) }
    }
}

/// Collects what a decoder forwards when it is taken out.
private final class LeftOverBytes: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer

    private(set) var bytes = ByteBuffer()

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        var more = unwrapInboundIn(data)
        bytes.writeBuffer(&more)
    }
}

// Last answers.
extension FrontDoor {
    /// Answers with an error and closes, unless the framework is in the middle of an answer.
    private func refuse(_ error: GatewayError, _ context: ChannelHandlerContext) {
        if case .refused = state { return }
        state = .refused
        self.context.metrics.refused(error.code)
        guard unanswered.isEmpty else { return context.close(promise: nil) }
        end(with: error.response(), context)
    }

    /// Gives an answer that is complete as it is, then closes.
    private func end(with answer: ByteBuffer, _ context: ChannelHandlerContext) {
        let channel = NIOLoopBound(context, eventLoop: context.eventLoop)
        // Past the encoder, which would leave out what it takes to be wrong with a status.
        let encoder = try? context.pipeline.syncOperations.context(handlerType: HTTPResponseEncoder.self)
        guard let encoder else { return context.close(promise: nil) }
        encoder.writeAndFlush(NIOAny(answer)).whenComplete { _ in
            // What the peer still sends is read and discarded, so that it gets the answer before the connection's end.
            channel.value.close(mode: .output, promise: nil)
        }
        deadline?.cancel()
        deadline = context.eventLoop.scheduleTask(in: .seconds(2)) { channel.value.close(promise: nil) }
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        if case .inputClosed? = event as? ChannelEvent {
            switch state {
            case .refused where lastAnswer == nil: context.close(promise: nil)
            case .awaitingHead where framework == nil, .reader: context.close(promise: nil)
            case .awaitingHead, .http, .refused: break
            }
        }
        context.fireUserInboundEventTriggered(event)
    }
}

@available(*, unavailable)
extension FrontDoor: Sendable {}
