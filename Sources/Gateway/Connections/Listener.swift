import NIOCore
import Reactor

#if canImport(Musl)
    import Musl
#else
    import Glibc
#endif

/// The one port: accepts connections on one loop and spreads them evenly over all.
final class Listener: Sendable {
    private let socket: NIOLoopBound<SocketListener>
    let port: Int

    /// - Parameters:
    ///   - receptions: what connections are brought to, one a loop.
    ///   - count: connections at once; more are accepted and closed at once, so that the port stays answering.
    static func bind(
        _ configuration: ServerConfiguration, receptions: [NIOLoopBound<Reception>], loops: ReactorLoopGroup,
        count: ConnectionCount
    ) async throws -> Listener {
        let loop = loops.loops[0]
        let turn = NIOLoopBoundBox.makeBoxSendingValue(0, eventLoop: loop)
        do {
            let socket = try await SocketListener.bind(
                host: configuration.host, port: configuration.port, on: loop
            ) { descriptor in
                guard let slot = count.enter() else {
                    close(descriptor)
                    return
                }
                let reception = receptions[turn.value]
                turn.value = (turn.value + 1) % receptions.count
                if reception.eventLoop === loop {
                    reception.value.take(descriptor, slot)
                } else {
                    reception.eventLoop.execute { reception.value.take(descriptor, slot) }
                }
            }
            let port = try await loop.submit { socket.value.port }.get()
            return Listener(socket: socket, port: port)
        } catch {
            throw ConfigurationError(
                key: "HOST, PORT", "cannot listen on \(configuration.host), port \(configuration.port): \(error)")
        }
    }

    private init(socket: NIOLoopBound<SocketListener>, port: Int) {
        self.socket = socket
        self.port = port
    }

    /// Accepts no more. Connections that are open stay so.
    func stopAccepting() async {
        await withCheckedContinuation { continuation in
            socket.eventLoop.execute { self.socket.value.stop { continuation.resume() } }
        }
    }

}
