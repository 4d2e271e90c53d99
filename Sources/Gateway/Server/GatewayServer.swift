import AccessTokens
import Broadcasting
import Hummingbird
public import Logging
public import MessageBus
import NIOCore
import NIOPosix
public import PrometheusMetrics
import Reactor

/// The whole server: the hub on its bus, and the gateway before it.
public final class GatewayServer: Sendable {
    private let configuration: ServerConfiguration
    private let bus: any MessageBus
    private let store: any SharedStore
    private let registry: PrometheusRegistry
    private let logger: Logger

    /// - Parameter store: beside the bus, with the same reach.
    public init(
        configuration: ServerConfiguration, bus: any MessageBus, store: any SharedStore = InProcessStore(),
        registry: PrometheusRegistry, logger: Logger
    ) {
        self.configuration = configuration
        self.bus = bus
        self.store = store
        self.registry = registry
        self.logger = logger
    }

    /// Serves until `shutdown` comes back, then leaves without losing anyone: nothing new is taken in, the subscription is deleted, sockets
    /// are closed over `DRAIN_SECONDS`, and publishes in flight are finished.
    ///
    /// - Parameters:
    ///   - started: called with the port once the server answers.
    ///   - shutdown: waits until the server is to leave.
    public func run(
        started: @escaping @Sendable (Int) async -> Void, until shutdown: @escaping @Sendable () async -> Void
    ) async throws {
        let maximum = FileLimit.raise()
        let threads = configuration.threads > 0 ? configuration.threads : System.coreCount
        let loops = try ReactorLoopGroup(count: threads, usesRing: configuration.usesIOUring)
        let frameworkLoops = MultiThreadedEventLoopGroup(numberOfThreads: threads)
        var failure: (any Error)?
        do {
            try await serve(on: loops, frameworkLoops, maximum: maximum, started, shutdown)
        } catch {
            failure = error
        }
        try? await loops.shutdownGracefully()
        try? await frameworkLoops.shutdownGracefully()
        if let failure { throw failure }
    }

    /// - Parameters:
    ///   - loops: carry the readers.
    ///   - frameworkLoops: carry the connections of the HTTP framework.
    private func serve(
        on loops: ReactorLoopGroup, _ frameworkLoops: MultiThreadedEventLoopGroup, maximum: Int,
        _ started: @escaping @Sendable (Int) async -> Void, _ shutdown: @escaping @Sendable () async -> Void
    ) async throws {
        describeMetrics()
        let queue = PublishQueue(bus: bus, metrics: registry)
        let delayed = DelayedAlerts(queue: queue, logger: logger)
        let hub = try await Hub(
            bus: bus, vm: configuration.vm, eventLoops: loops, configuration: configuration.hub,
            metrics: HubMetrics(factory: registry), logger: logger)
        let verifier = configuration.issuer.map { TokenVerifier($0, logger: logger) }
        let deployment = Deployment(
            queue: queue, region: configuration.vm.region, clock: .system, logger: logger)
        let presence = PresenceBook(vm: configuration.vm, store: store, logger: logger) { _ in
            await deployment.tell(.presenceChanged)
        }
        let context = GatewayContext(
            configuration: configuration, hub: hub,
            publisher: Publisher(queue: queue, delayed: delayed, region: configuration.vm.region, clock: .system),
            identities: Identities(
                publishToken: configuration.publishToken,
                sessions: SessionBook(store: store, lifetime: configuration.signIn.lifetime, clock: .system),
                issuer: verifier.map(IssuerTokens.init)),
            presence: presence, deployment: deployment,
            clock: .system, metrics: GatewayMetrics(factory: registry), logger: logger)
        hub.onNotice { context.heard($0) }
        let pages = Pages.load(
            from: configuration.publicDirectory, vm: configuration.vm.id, region: configuration.vm.region)
        if !pages.missing.isEmpty {
            let files = pages.missing.map(\.file).joined(separator: " ")
            logger.warning(
                "no pages", metadata: ["PUBLIC_DIR": "\(configuration.publicDirectory)", "missing": "\(files)"])
        }
        let router = GatewayRouter.make(context, registry: registry, pages: pages)
        let connections = HTTPConnections(HTTPService(router.buildResponder(), logger: logger))
        let wayBack = HTTPWayBack()
        let entrance = HTTPEntrance(context, http: connections, eventLoops: frameworkLoops, wayBack: wayBack)
        let receptions = try await Reception.open(context, http: entrance, on: loops)
        wayBack.lead(to: receptions)
        let open = ConnectionCount(maximum: maximum, metrics: context.metrics)
        let listener = try await Listener.bind(
            configuration, receptions: receptions, loops: loops, count: open)
        logger.info("listening", metadata: ["port": "\(listener.port)", "host": "\(configuration.host)"])

        try await withThrowingTaskGroup(of: Part.self) { group in
            // With the bus in this process, what stands between publishing and the fan-out goes on where the fan-out is, so that an alert wakes no other
            // thread on its way. Other buses have threads of their own.
            let loop = configuration.bus.kind == .memory ? loops.loops[0] : nil
            group.addTask(executorPreference: loop) {
                try await hub.run()
                return .worker
            }
            group.addTask(executorPreference: loop) {
                await queue.run()
                return .worker
            }
            group.addTask {
                await delayed.run()
                return .worker
            }
            group.addTask {
                await presence.run()
                return .worker
            }
            if let verifier {
                group.addTask {
                    await verifier.run()
                    return .worker
                }
            }
            group.addTask {
                await connections.run()
                return .worker
            }
            group.addTask {
                await context.fleet.run()
                return .worker
            }
            group.addTask {
                await FreedMemory(connections: open).watch()
                return .worker
            }
            group.addTask {
                await started(listener.port)
                await shutdown()
                await self.leave(context, listener, queue)
                return .shutdown
            }
            // The hub ends when it has left the bus, the queue when all is published; the shutdown's end is the server's.
            while let part = try await group.next(), part != .shutdown {}
            group.cancelAll()
        }
        logger.info("left")
    }

    /// How long requests may take to be answered once the server takes no more in.
    private static let answering = Duration.seconds(3)

    /// What the server's tasks are: those that work until it ends, and the one whose end is its own.
    private enum Part { case worker, shutdown }

    private func leave(_ context: GatewayContext, _ listener: Listener, _ queue: PublishQueue) async {
        logger.info("leaving", metadata: ["sockets": "\(context.hub.currentStatus.sockets)"])
        context.leave()
        await context.hub.leaveBus()
        await listener.stopAccepting()
        await context.hub.drain(seconds: configuration.drainSeconds)
        queue.close()
        await queue.finished()
        await context.requests.finish(within: Self.answering)
    }

    private func describeMetrics() {
        for (name, text) in HubMetrics.help + PublishQueue.help + GatewayMetrics.help {
            registry.describe(name: name, help: text)
        }
    }
}
