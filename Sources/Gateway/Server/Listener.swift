import CoreMetrics
import Logging
import NIOCore
import NIOHTTP1
import NIOPosix
import Synchronization

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// The one port: accepts connections and puts a front door on each.
final class Listener: Sendable {
    private static let backlog: Int32 = 4096

    private let channel: any Channel
    private let open: ConnectionCount

    /// - Parameter maximum: connections at once; more are accepted and closed at once, so that the port stays answering.
    static func bind(
        _ context: GatewayContext, http: HTTPConnections, eventLoops: any EventLoopGroup, maximum: Int
    ) async throws -> Listener {
        let open = ConnectionCount(maximum: maximum, metrics: context.metrics)
        let bootstrap = ServerBootstrap(group: eventLoops)
            .serverChannelOption(.backlog, value: backlog)
            .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
            .serverChannelOption(.maxMessagesPerRead, value: 64)
            .childChannelOption(.tcpOption(.tcp_nodelay), value: 1)
            .childChannelOption(.socketOption(.so_keepalive), value: 1)
            // A peer that takes nothing for 20 s is gone, whatever its TCP has still to try.
            .childChannelOption(.tcpOption(.init(rawValue: TCP_USER_TIMEOUT)), value: 20_000)
            .childChannelOption(.allowRemoteHalfClosure, value: true)
            // Readers say little: a small buffer for each of them, and one read at a time.
            .childChannelOption(.maxMessagesPerRead, value: 1)
            .childChannelOption(.recvAllocator, value: FixedSizeRecvByteBufferAllocator(capacity: 512))
            .childChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    guard open.enter() else {
                        channel.close(promise: nil)
                        return
                    }
                    channel.closeFuture.whenComplete { _ in open.leave() }
                    try channel.pipeline.syncOperations.addHandlers([
                        HTTPResponseEncoder(),
                        ByteToMessageHandler(HTTPRequestDecoder(leftOverBytesStrategy: .forwardBytes)),
                        FrontDoor(context, http: http),
                    ])
                }
            }
        let configuration = context.configuration
        do {
            let channel = try await bootstrap.bind(host: configuration.host, port: configuration.port).get()
            return Listener(channel: channel, open: open)
        } catch {
            throw ConfigurationError(
                key: "HOST, PORT", "cannot listen on \(configuration.host), port \(configuration.port): \(error)")
        }
    }

    private init(channel: any Channel, open: ConnectionCount) {
        self.channel = channel
        self.open = open
    }

    var port: Int { channel.localAddress?.port ?? 0 }

    /// Accepts no more. Connections that are open stay so.
    func stopAccepting() async { try? await channel.close() }
}

/// How many connections are open, and how many may be.
private final class ConnectionCount: Sendable {
    private let count = Atomic(0)
    private let maximum: Int
    private let metrics: GatewayMetrics

    init(maximum: Int, metrics: GatewayMetrics) {
        self.maximum = maximum
        self.metrics = metrics
    }

    func enter() -> Bool {
        guard count.add(1, ordering: .relaxed).newValue <= maximum else {
            count.subtract(1, ordering: .relaxed)
            metrics.refused(.atCapacity)
            return false
        }
        metrics.connections.increment()
        return true
    }

    func leave() {
        count.subtract(1, ordering: .relaxed)
        metrics.connections.decrement()
    }
}
