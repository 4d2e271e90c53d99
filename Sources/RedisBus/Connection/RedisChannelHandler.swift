import NIOConcurrencyHelpers
import NIOCore

/// Sends requests and gives each its replies, in order. A request without its replies in time ends the connection: a link that is half open shows.
final class RedisChannelHandler: ChannelDuplexHandler {
    typealias InboundIn = ByteBuffer
    typealias OutboundIn = RedisRequest
    typealias OutboundOut = ByteBuffer

    /// Requests that wait at most; more are refused.
    private static let capacity = 1024

    private let reader: HiredisReader
    private let onMessage: (@Sendable (RedisMessage) -> Void)?
    private var pending = PendingReplies<EventLoopPromise<[RESPValue]>>(capacity: RedisChannelHandler.capacity)
    private var timer: (deadline: NIODeadline, scheduled: Scheduled<Void>)?
    /// Why the connection ended.
    private var failure: RedisFailure?
    private let ending: NIOLockedValueBox<RedisFailure?>

    /// - Parameters:
    ///   - ending: is told why the connection ended, before it is closed, for those whose requests do not come here any more.
    ///   - onMessage: is called on the event loop with what is published on channels subscribed to.
    init(
        ending: NIOLockedValueBox<RedisFailure?>, onMessage: (@Sendable (RedisMessage) -> Void)?
    ) throws(RedisFailure) {
        self.ending = ending
        self.onMessage = onMessage
        reader = try HiredisReader()
    }

    func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
        let request = unwrapOutboundIn(data)
        if let failure {
            request.replies.fail(failure)
            promise?.fail(failure)
            return
        }
        guard pending.add(request.replies, replies: request.replyCount, by: request.deadline) else {
            let failure = RedisFailure(.link, "\(Self.capacity) requests wait for Redis already")
            request.replies.fail(failure)
            promise?.fail(failure)
            return
        }
        setTimer(context)
        context.write(wrapOutboundOut(request.bytes), promise: promise)
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        guard failure == nil else { return }
        do throws(RedisFailure) {
            try reader.feed(unwrapInboundIn(data))
            while let reply = try reader.next() { try take(reply) }
        } catch {
            end(context, error)
        }
    }

    func channelInactive(context: ChannelHandlerContext) {
        end(context, RedisFailure(.link, "Redis closed the connection"))
        context.fireChannelInactive()
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        end(context, RedisFailure(.link, "the connection to Redis failed: \(error)"))
    }

    func handlerRemoved(context: ChannelHandlerContext) {
        end(context, RedisFailure(.link, "the connection to Redis is closed"))
    }

    private func take(_ reply: RESPValue) throws(RedisFailure) {
        if let onMessage, let message = RedisMessage(reply) { return onMessage(message) }
        switch pending.receive(reply) {
        case .partial: break
        case .complete(let replies, let values): replies.succeed(values)
        case .unexpected: throw RedisFailure(.protocolError, "Redis answered what nobody asked")
        }
    }

    private func end(_ context: ChannelHandlerContext, _ failure: RedisFailure) {
        guard self.failure == nil else { return }
        self.failure = failure
        ending.withLockedValue { $0 = failure }
        timer?.scheduled.cancel()
        timer = nil
        for replies in pending.removeAll() { replies.fail(failure) }
        context.close(promise: nil)
    }

    /// Looks again when the first request is overdue. A timer is left to run out when its request is answered: most of the time another waits.
    private func setTimer(_ context: ChannelHandlerContext) {
        guard let deadline = pending.deadline, timer.map({ deadline < $0.deadline }) ?? true else { return }
        timer?.scheduled.cancel()
        let scheduled = context.eventLoop.assumeIsolated().scheduleTask(deadline: deadline) {
            self.timer = nil
            if let deadline = self.pending.deadline, deadline <= .now() {
                self.end(context, RedisFailure(.timeOut, "Redis did not answer in time"))
            } else {
                self.setTimer(context)
            }
        }
        timer = (deadline, scheduled)
    }
}

@available(*, unavailable)
extension RedisChannelHandler: Sendable {}
