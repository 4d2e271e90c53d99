import Logging
import NIOCore
import NIOHTTP1
import NIOPosix
import Reactor

/// Takes connections for the HTTP framework: NIO's HTTP handlers and a front door on each.
final class HTTPEntrance: Sendable {
    private let context: GatewayContext
    private let http: HTTPConnections
    private let eventLoops: MultiThreadedEventLoopGroup
    private let wayBack: HTTPWayBack

    /// - Parameter wayBack: where connections go on which a reader's request comes.
    init(
        _ context: GatewayContext, http: HTTPConnections, eventLoops: MultiThreadedEventLoopGroup,
        wayBack: HTTPWayBack
    ) {
        self.context = context
        self.http = http
        self.eventLoops = eventLoops
        self.wayBack = wayBack
    }

    /// Takes a connection over.
    ///
    /// - Parameters:
    ///   - descriptor: connected and non-blocking; closed by the channel from now on.
    ///   - earlier: what was read from it already.
    func take(_ descriptor: CInt, _ slot: ConnectionSlot, after earlier: ByteBuffer) {
        let context = context
        let http = http
        let wayBack = wayBack
        ClientBootstrap(group: eventLoops)
            .channelOption(.allowRemoteHalfClosure, value: true)
            .channelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    channel.closeFuture.whenComplete { _ in withExtendedLifetime(slot) {} }
                    try channel.pipeline.syncOperations.addHandlers([
                        EarlierBytes(earlier),
                        HTTPResponseEncoder(),
                        ByteToMessageHandler(HTTPRequestDecoder(leftOverBytesStrategy: .forwardBytes)),
                        FrontDoor(context, http: http, wayBack: wayBack, slot: slot),
                    ])
                }
            }
            .withConnectedSocket(descriptor)
            .whenFailure { error in
                context.logger.error("a connection was dropped", metadata: ["error": "\(error)"])
            }
    }
}

/// Lets what was read from a connection before it became a channel come first.
private final class EarlierBytes: ChannelInboundHandler, RemovableChannelHandler {
    typealias InboundIn = ByteBuffer
    typealias InboundOut = ByteBuffer

    private let bytes: ByteBuffer

    init(_ bytes: ByteBuffer) { self.bytes = bytes }

    func channelActive(context: ChannelHandlerContext) {
        context.fireChannelActive()
        context.fireChannelRead(wrapInboundOut(bytes))
        context.fireChannelReadComplete()
        context.pipeline.syncOperations.removeHandler(context: context, promise: nil)
    }
}
