import MessageBus
import NIOConcurrencyHelpers
import NIOCore

/// Hands the log's alerts to the shards: one batch is under way, the next gathers meanwhile.
///
/// A batch costs the shards one write a reader, however many alerts it joins. So while alerts come faster than they can be written, which a batch of
/// several shows, the next one begins a moment later, so that more can join it: an eighth of what the last one took, at most 4 ms. An alert that
/// comes alone never waits.
///
/// Bounded by `limit` gathered alerts; overflow policy: ``give(_:)`` waits, and with it the reading of the log.
final class HandOver: Sendable {
    private struct State {
        var gathered: [EncodedAlert] = []
        var isUnderWay = false
        /// The next batch does not begin before.
        var opens = NIODeadline.distantPast
        /// Who waits for room, or for nothing to be under way.
        var waiter: (continuation: CheckedContinuation<Void, Never>, needsEmpty: Bool)?
    }

    private static let longestPause = TimeAmount.milliseconds(4)
    /// Batches that are written faster than this are followed at once.
    private static let shortest = TimeAmount.microseconds(200)

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
        let next = state.withLockedValue { state -> Next in
            if state.isUnderWay {
                state.gathered += alerts
                return .wait
            }
            state.isUnderWay = true
            if state.opens <= .now() { return .broadcast }
            state.gathered = alerts
            return .pause(state.opens)
        }
        switch next {
        case .broadcast: return broadcast(alerts)
        case .pause(let end): pause(until: end)
        case .wait: break
        }
        await wait(untilEmpty: false)
    }

    /// What is to be done with alerts that are given.
    private enum Next {
        case broadcast
        case pause(NIODeadline)
        case wait
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
        let began = NIODeadline.now()
        let remaining = Countdown(shards.count) { self.finish(alerts, began) }
        for shard in shards {
            shard.eventLoop.execute { shard.value.submit(.batch(alerts) { remaining.arrive() }) }
        }
    }

    /// The last shard has written the batch; called on its event loop.
    private func finish(_ alerts: [EncodedAlert], _ began: NIODeadline) {
        if let last = alerts.last { written(last.position) }
        let now = NIODeadline.now()
        let duration = now - began
        let isBusy = alerts.count > 1 && duration >= Self.shortest
        let opens = isBusy ? now + min(.nanoseconds(duration.nanoseconds / 8), Self.longestPause) : now
        let hasMore = state.withLockedValue { state in
            state.opens = opens
            return !state.gathered.isEmpty
        }
        if hasMore && isBusy { pause(until: opens) } else { proceed() }
    }

    private func pause(until end: NIODeadline) {
        shards.first?.eventLoop.scheduleTask(deadline: end) { self.proceed() }
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
