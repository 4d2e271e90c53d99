public import MessageBus
import NIOConcurrencyHelpers

/// A subscription's way to the replica's copy of the log.
public final class GoogleLogFeed: LogFeed {
    private let replica: Replica
    private let vm: VMIdentity
    private let isClosed = NIOLockedValueBox(false)

    init(_ replica: Replica, vm: VMIdentity) {
        self.replica = replica
        self.vm = vm
    }

    public func read(after cursor: Position, limit: Int, wait: Duration) async throws(BusError) -> LogReading {
        let deadline = ContinuousClock.now + wait
        while true {
            if isClosed.withLockedValue({ $0 }) { throw BusError(.unavailable, "the feed is closed") }
            if let reading = try await replica.read(after: cursor, limit: limit, for: vm) { return reading }
            if Task.isCancelled || .now >= deadline { return .nothing }
            await replica.change(until: deadline)
        }
    }

    /// A word of this VM that comes back has gone the way of every alert.
    public func probe(within bound: Duration) async throws(BusError) { try await replica.probe(within: bound) }

    public func close() async {
        isClosed.withLockedValue { $0 = true }
        await replica.tell()
    }
}
