import MessageBus
import NIOConcurrencyHelpers
import NIOCore

/// Hands the log's alerts to the shards: one batch is under way, the next gathers meanwhile.
///
/// A batch costs the shards one write a reader, however many alerts it joins, so a VM that is busy writes larger batches. An alert that finds nothing
/// under way goes at once.
///
/// Bounded by `limit` gathered alerts; overflow policy: ``give(_:)`` waits, and with it the reading of the log.
final class HandOver: Sendable {
    private struct State {
        var gathered: [EncodedAlert] = []
        var isUnderWay = false
        /// Who waits for room, or for nothing to be under way.
        var waiter: (continuation: CheckedContinuation<Void, Never>, needsEmpty: Bool)?
    }

    private let shards: [NIOLoopBound<HubShard>]
    private let limit: Int
    private let written: @Sendable (Position) -> Void
    private let state = NIOLockedValueBox(State())

    /// - Parameters:
    ///   - limit: alerts that may gather.
    ///   - written: told the position up to which every shard has written everything; called on any thread.
    init(to shards: [NIOLoopBound<HubShard>], limit: Int, written: @escaping @Sendable (Position) -> Void) {
        self.shards = shards
        self.limit = limit
        self.written = written
    }

    /// Takes the log's next alerts. Returns once there is room for more. Called by one task.
    func give(_ alerts: [EncodedAlert]) async {
        let isFirst = state.withLockedValue { state in
            guard state.isUnderWay else {
                state.isUnderWay = true
                return true
            }
            state.gathered += alerts
            return false
        }
        if isFirst { broadcast(alerts) } else { await wait(untilEmpty: false) }
    }

    /// Waits until every shard has written everything that was given. Called by the task that gives.
    func flush() async { await wait(untilEmpty: true) }

    private func wait(untilEmpty needsEmpty: Bool) async {
        await withCheckedContinuation { continuation in
            let isDone = state.withLockedValue { state in
                if needsEmpty ? !state.isUnderWay : state.gathered.count < limit { return true }
                state.waiter = (continuation, needsEmpty)
                return false
            }
            if isDone { continuation.resume() }
        }
    }

    private func broadcast(_ alerts: [EncodedAlert]) {
        let remaining = Countdown(shards.count) {
            // The last shard has written the batch.
            if let last = alerts.last { self.written(last.position) }
            self.proceed()
        }
        for shard in shards {
            shard.eventLoop.execute { shard.value.submit(.batch(alerts) { remaining.arrive() }) }
        }
    }

    private func proceed() {
        let (batch, waiter) = state.withLockedValue { state in
            let batch = state.gathered
            state.gathered = []
            state.isUnderWay = !batch.isEmpty
            guard let waiter = state.waiter, batch.isEmpty || !waiter.needsEmpty else {
                return (batch, nil as CheckedContinuation<Void, Never>?)
            }
            state.waiter = nil
            return (batch, waiter.continuation)
        }
        if !batch.isEmpty { broadcast(batch) }
        waiter?.resume()
    }
}
