import CoreMetrics
import Synchronization

/// How many connections are open, and how many may be.
final class ConnectionCount: Sendable {
    private let count = Atomic(0)
    private let maximum: Int
    private let metrics: GatewayMetrics

    init(maximum: Int, metrics: GatewayMetrics) {
        self.maximum = maximum
        self.metrics = metrics
    }

    /// How many are open.
    var current: Int { count.load(ordering: .relaxed) }

    /// - Returns: `nil` where as many are open as may be.
    func enter() -> ConnectionSlot? {
        guard count.add(1, ordering: .relaxed).newValue <= maximum else {
            count.subtract(1, ordering: .relaxed)
            metrics.refused(.atCapacity)
            return nil
        }
        metrics.connections.increment()
        return ConnectionSlot(self)
    }

    fileprivate func leave() {
        count.subtract(1, ordering: .relaxed)
        metrics.connections.decrement()
    }
}

/// One connection's place among those that may be open: whoever has the connection holds it, and its end gives the place back.
final class ConnectionSlot: Sendable {
    private let count: ConnectionCount

    fileprivate init(_ count: ConnectionCount) { self.count = count }

    deinit { count.leave() }
}
