import NIOConcurrencyHelpers
import NIOCore
import NIOPosix

/// The proxy's connections and what happens to them. Bound to its event loop.
final class FaultProxyCore {
    let eventLoop: any EventLoop
    /// Where new connections lead.
    var target: Int
    private let counter: FaultProxyCounter
    private var faults: [FaultProxy.Direction: FaultProxy.Fault] = [:]
    private var connections: [ObjectIdentifier: FaultProxyConnection] = [:]

    init(eventLoop: any EventLoop, target: Int, counter: FaultProxyCounter) {
        self.eventLoop = eventLoop
        self.target = target
        self.counter = counter
    }

    func fault(_ direction: FaultProxy.Direction) -> FaultProxy.Fault { faults[direction] ?? .none }

    func set(_ fault: FaultProxy.Fault, _ direction: FaultProxy.Direction) {
        faults[direction] = fault
        if fault == .reset { return resetConnections() }
        for connection in connections.values { connection.faultChanged() }
    }

    func resetConnections() {
        for connection in connections.values { connection.reset() }
    }

    /// Takes a connection that a client opened.
    func accept(_ client: any Channel) throws {
        counter.counts.withLockedValue {
            $0.accepted += 1
            $0.open += 1
        }
        let connection = FaultProxyConnection(client: client, core: self)
        connections[ObjectIdentifier(connection)] = connection
        try client.pipeline.syncOperations.addHandler(FaultProxyHandler(connection, .toTarget))
    }

    /// The connection is gone at both ends.
    func forget(_ connection: FaultProxyConnection) {
        guard connections.removeValue(forKey: ObjectIdentifier(connection)) != nil else { return }
        counter.counts.withLockedValue { $0.open -= 1 }
    }
}

@available(*, unavailable)
extension FaultProxyCore: Sendable {}
