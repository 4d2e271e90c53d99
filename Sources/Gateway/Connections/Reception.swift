import Broadcasting
import Logging
import MessageBus
import NIOCore
import Reactor

#if canImport(Musl)
    import Musl
#else
    import Glibc
#endif

/// Where one event loop's connections arrive: gives each to what it turns out to be.
///
/// A reader's becomes a socket of the loop's shard, and a plain publishing request is answered here; both cost no task. All other requests go to the HTTP
/// framework with their connection, and a reader's request that comes on one of the framework's connections brings it back.
///
/// Isolation: the loop.
final class Reception {
    let context: GatewayContext
    let http: HTTPEntrance
    let loop: ReactorLoop
    let shard: HubShard
    let lane: PublishLane
    /// The connections that speak HTTP here.
    private var connections: ContiguousArray<PlainConnection> = []

    init(_ context: GatewayContext, http: HTTPEntrance, loop: ReactorLoop, shard: HubShard) {
        self.context = context
        self.http = http
        self.loop = loop
        self.shard = shard
        self.lane = context.publisher.lanes.lane(on: loop)
    }

    /// Makes one for each loop.
    static func open(
        _ context: GatewayContext, http: HTTPEntrance, on loops: ReactorLoopGroup
    ) async throws -> [NIOLoopBound<Reception>] {
        var receptions: [NIOLoopBound<Reception>] = []
        for loop in loops.loops {
            let reception = try await loop.submit {
                guard let shard = context.hub.shard(on: loop) else {
                    throw GatewayError(.internalError, "no shard on this event loop")
                }
                return NIOLoopBound(Reception(context, http: http, loop: loop, shard: shard), eventLoop: loop)
            }.get()
            loop.scheduleRepeatedTask(initialDelay: tick, delay: tick) { _ in reception.value.tick() }
            receptions.append(reception)
        }
        return receptions
    }

    private static let tick = TimeAmount.milliseconds(200)

    /// Takes a new connection.
    func take(_ descriptor: CInt, _ slot: ConnectionSlot) {
        _ = open(descriptor, slot)
    }

    /// Takes a connection on which the framework found a reader's request.
    ///
    /// - Parameter bytes: what came after the request.
    func takeBack(_ descriptor: CInt, _ slot: ConnectionSlot, request: ReaderRequest, then bytes: ByteBuffer) {
        var bytes = bytes
        open(descriptor, slot)?.admit(request, then: &bytes)
    }

    private func open(_ descriptor: CInt, _ slot: ConnectionSlot) -> PlainConnection? {
        do throws(SocketError) {
            let socket = try StreamSocket(adopting: descriptor, on: loop, keepsake: slot)
            let connection = PlainConnection(at: self, socket)
            socket.handler = connection
            connection.index = connections.count
            connections.append(connection)
            return connection
        } catch {
            context.logger.error("a connection was dropped", metadata: ["error": "\(error)"])
            close(descriptor)
            return nil
        }
    }

    /// A connection does not speak HTTP here any more. Repeating it has no effect.
    func forget(_ connection: PlainConnection) {
        let index = connection.index
        guard index >= 0 else { return }
        let last = connections.removeLast()
        if last !== connection {
            connections[index] = last
            last.index = index
        }
        connection.index = -1
    }

    /// Ends the waits whose time is up. Called a few times a second.
    private func tick() {
        let now = NIODeadline.now()
        // Those that leave are replaced by the last, which was looked at already.
        for index in connections.indices.reversed() where index < connections.count {
            if let due = connections[index].due, due <= now { connections[index].timeOut() }
        }
    }
}

@available(*, unavailable)
extension Reception: Sendable {}
