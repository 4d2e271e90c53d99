import NIOCore
import NIOPosix

/// One connection through the proxy: the client's channel, the target's, and a lane each way. Bound to the proxy's event loop.
final class FaultProxyConnection {
    private let core: FaultProxyCore
    private let client: any Channel
    private var target: (any Channel)?
    private let toTarget: FaultProxyLane
    private let toClient: FaultProxyLane
    private var isConnecting = false
    private var isReset = false

    init(client: any Channel, core: FaultProxyCore) {
        self.core = core
        self.client = client
        toTarget = FaultProxyLane(eventLoop: core.eventLoop)
        toClient = FaultProxyLane(eventLoop: core.eventLoop)
    }

    /// A channel of the connection is ready.
    func activated(_ direction: FaultProxy.Direction) {
        switch direction {
        case .toTarget:
            toTarget.source = client
            toClient.sink = client
            if FaultProxy.Direction.allCases.contains(where: { core.fault($0) == .reset }) { return reset() }
            faultChanged()
        case .toClient: lane(direction).wantMore()
        }
    }

    /// Bytes came in from the side that `direction` leads away from.
    func received(_ bytes: ByteBuffer, _ direction: FaultProxy.Direction) { lane(direction).add(.bytes(bytes)) }

    /// That side will send nothing more.
    func ended(_ direction: FaultProxy.Direction) { lane(direction).add(.end) }

    /// The other side takes more bytes again.
    func writable(_ direction: FaultProxy.Direction) {
        lane(direction == .toTarget ? .toClient : .toTarget).pump()
    }

    /// A read cycle is over.
    func readComplete(_ direction: FaultProxy.Direction) { lane(direction).readComplete() }

    /// A channel is closed: what is on its way from it still arrives, what is on its way to it does not.
    func closed(_ direction: FaultProxy.Direction) {
        let other = direction == .toTarget ? target : client
        if isReset || other?.isActive != true {
            toTarget.stop()
            toClient.stop()
            core.forget(self)
            return
        }
        lane(direction).add(.close)
        lane(direction == .toTarget ? .toClient : .toTarget).stop()
    }

    /// Carries on in the way that the faults now ask for.
    func faultChanged() {
        toTarget.fault = core.fault(.toTarget)
        toClient.fault = core.fault(.toClient)
        connectIfNeeded()
        for lane in [toTarget, toClient] {
            lane.pump()
            lane.wantMore()
        }
    }

    /// Ends the connection at both ends with a reset.
    func reset() {
        isReset = true
        for channel in [client, target].compactMap(\.self) { Self.reset(channel) }
        if target == nil, !client.isActive { core.forget(self) }
    }

    private func lane(_ direction: FaultProxy.Direction) -> FaultProxyLane {
        direction == .toTarget ? toTarget : toClient
    }

    private func connectIfNeeded() {
        let isDropped = FaultProxy.Direction.allCases.contains { core.fault($0) == .drop }
        guard target == nil, !isConnecting, !isReset, !isDropped else { return }
        isConnecting = true
        let loopBound = NIOLoopBound(self, eventLoop: core.eventLoop)
        ClientBootstrap(group: core.eventLoop)
            .connectTimeout(.seconds(5))
            .channelOption(.allowRemoteHalfClosure, value: true)
            .channelOption(.autoRead, value: false)
            .channelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.addHandler(FaultProxyHandler(loopBound.value, .toClient))
                }
            }
            .connect(host: "127.0.0.1", port: core.target)
            .assumeIsolated().whenComplete { self.connected($0) }
    }

    private func connected(_ result: Result<any Channel, any Error>) {
        isConnecting = false
        guard case .success(let channel) = result, !isReset, client.isActive || !toTarget.isEmpty else {
            if case .success(let channel) = result { Self.reset(channel) }
            return reset()
        }
        target = channel
        toTarget.sink = channel
        toClient.source = channel
        faultChanged()
    }

    private static func reset(_ channel: any Channel) {
        guard channel.isActive else { return channel.close(promise: nil) }
        if let provider = channel as? any SocketOptionProvider {
            provider.setSoLinger(linger(l_onoff: 1, l_linger: 0)).whenComplete { _ in channel.close(promise: nil) }
        } else {
            channel.close(promise: nil)
        }
    }
}

@available(*, unavailable)
extension FaultProxyConnection: Sendable {}

/// Tells the connection what happens on one of its channels. `direction` is the one that leads away from the channel's peer.
final class FaultProxyHandler: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer

    private let connection: FaultProxyConnection
    private let direction: FaultProxy.Direction

    init(_ connection: FaultProxyConnection, _ direction: FaultProxy.Direction) {
        self.connection = connection
        self.direction = direction
    }

    func channelActive(context: ChannelHandlerContext) { connection.activated(direction) }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        connection.received(unwrapInboundIn(data), direction)
    }

    func channelReadComplete(context: ChannelHandlerContext) { connection.readComplete(direction) }

    func channelWritabilityChanged(context: ChannelHandlerContext) {
        if context.channel.isWritable { connection.writable(direction) }
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        if case .some(.inputClosed) = event as? ChannelEvent { connection.ended(direction) }
    }

    func channelInactive(context: ChannelHandlerContext) { connection.closed(direction) }

    func errorCaught(context: ChannelHandlerContext, error: any Error) { context.close(promise: nil) }
}
