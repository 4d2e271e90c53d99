import NIOConcurrencyHelpers
public import NIOCore
public import NIOPosix

/// A TCP proxy on 127.0.0.1 that behaves like a bad network between whoever connects to it and one port on 127.0.0.1.
///
/// Its methods return once what they ask for is in effect, and may be called from any task. What is on its way through is bounded: beyond a megabyte
/// in one direction of a connection the proxy stops reading, so that a peer that does not read is felt by the other.
public final class FaultProxy: Sendable {
    /// What happens to what passes.
    public enum Fault: Sendable, Equatable {
        /// Bytes pass as they come.
        case none
        /// Nothing arrives and nobody is told, as in a partition by dropped packets: connections stay open, new ones are accepted and stall. When
        /// the fault is lifted, connections that are still there go on with what was sent meanwhile, as TCP repeats what was not confirmed.
        case drop
        /// Connections are reset, and so are new ones.
        case reset
        /// Bytes, and ends of connections, arrive this much later. Connecting itself takes no longer.
        case delay(Duration)
    }

    /// Which way a fault applies.
    public enum Direction: Sendable, Equatable, CaseIterable {
        /// From the client, who connected to the proxy, to the target.
        case toTarget
        /// From the target to the client.
        case toClient
    }

    /// Connections as the proxy counts them.
    public struct Counts: Sendable, Equatable {
        /// Accepted since the start, those that were reset at once among them.
        public internal(set) var accepted = 0
        /// Open now.
        public internal(set) var open = 0
    }

    /// The port that the proxy listens on.
    public let port: Int
    private let listener: any Channel
    private let core: NIOLoopBound<FaultProxyCore>
    private let state: FaultProxyCounter

    private init(port: Int, listener: any Channel, core: NIOLoopBound<FaultProxyCore>, state: FaultProxyCounter) {
        self.port = port
        self.listener = listener
        self.core = core
        self.state = state
    }

    /// Starts a proxy.
    ///
    /// - Parameters:
    ///   - target: the port on 127.0.0.1 that connections lead to. It need not answer yet: a connection that cannot be made is reset.
    ///   - port: where to listen; 0 takes a free port.
    ///   - group: its next event loop carries the proxy.
    /// - Throws: the error of the system where the port is taken.
    public static func start(
        target: Int, port: Int = 0, on group: any EventLoopGroup = MultiThreadedEventLoopGroup.singleton
    ) async throws -> FaultProxy {
        let eventLoop = group.next()
        let state = FaultProxyCounter()
        let core = try await eventLoop.submit {
            NIOLoopBound(FaultProxyCore(eventLoop: eventLoop, target: target, counter: state), eventLoop: eventLoop)
        }.get()
        let listener = try await ServerBootstrap(group: eventLoop)
            .serverChannelOption(.backlog, value: 1024)
            .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
            .childChannelOption(.allowRemoteHalfClosure, value: true)
            .childChannelOption(.autoRead, value: false)
            .childChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture { try core.value.accept(channel) }
            }
            .bind(host: "127.0.0.1", port: port).get()
        return FaultProxy(port: listener.localAddress?.port ?? port, listener: listener, core: core, state: state)
    }

    /// How many connections came, and how many are open.
    public var counts: Counts { state.counts.withLockedValue { $0 } }

    /// Replaces the fault in both directions.
    public func set(_ fault: Fault) async {
        await onLoop { core in for direction in Direction.allCases { core.set(fault, direction) } }
    }

    /// Replaces the fault in one direction. A reset takes both ends of a connection, whichever way it is set.
    public func set(_ fault: Fault, _ direction: Direction) async {
        await onLoop { $0.set(fault, direction) }
    }

    /// Leads new connections to another port on 127.0.0.1; those that are open stay where they are.
    public func setTarget(_ port: Int) async {
        await onLoop { $0.target = port }
    }

    /// Resets every open connection, once. New ones are treated as the fault says.
    public func resetConnections() async {
        await onLoop { $0.resetConnections() }
    }

    /// Stops listening and resets what is open. Repeating it has no effect.
    public func stop() async {
        try? await listener.close()
        await resetConnections()
    }

    private func onLoop(_ body: @escaping @Sendable (FaultProxyCore) -> Void) async {
        let core = core
        // It fails only where the event loop is shut down, and the connections with it.
        try? await listener.eventLoop.submit { body(core.value) }.get()
    }
}

/// The counts, which the event loop writes and anybody reads.
final class FaultProxyCounter: Sendable {
    let counts = NIOLockedValueBox(FaultProxy.Counts())
}
