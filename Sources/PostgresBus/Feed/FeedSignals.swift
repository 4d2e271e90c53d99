import MessageBus
import NIOConcurrencyHelpers

/// A feed's inbox, and who waits for what comes into it. Written on the connection's queue, read by the feed's callers.
final class FeedSignals: Sendable {
    private struct State {
        var inbox: FeedInbox
        var reader: Pending<Void>?
        var probes: [String: Pending<Result<Void, PostgresFailure>>] = [:]
    }

    private let state: NIOLockedValueBox<State>

    init(_ inbox: FeedInbox) { state = NIOLockedValueBox(State(inbox: inbox)) }

    var inbox: FeedInbox { state.withLockedValue { $0.inbox } }

    /// What the connection tells.
    var events: PostgresConnection.Events {
        PostgresConnection.Events(notified: { self.hear($0) }, closed: { self.fail($0) })
    }

    /// Says that the log is about to be read: what is heard from here on is news.
    func beginReading() { state.withLockedValue { $0.inbox.mayHaveMore = false } }

    /// Says that there is more where the log was last read.
    func expectMore() { state.withLockedValue { $0.inbox.mayHaveMore = true } }

    /// Waits until there is something to do, the time is over or the task is cancelled.
    func wait(until deadline: ContinuousClock.Instant) async {
        let pending = Pending<Void>()
        let isReady = state.withLockedValue { state in
            state.reader = pending
            return state.inbox.isWorthWaking
        }
        if isReady { return }
        _ = await pending.value(until: deadline)
    }

    /// Begins to listen for a probe.
    func expect(_ nonce: String) -> Pending<Result<Void, PostgresFailure>> {
        let pending = Pending<Result<Void, PostgresFailure>>()
        state.withLockedValue { state in
            if let failure = state.inbox.failure { return pending.resolve(.failure(failure)) }
            state.inbox.expect(nonce)
            state.probes[nonce] = pending
        }
        return pending
    }

    func giveUp(_ nonce: String) {
        state.withLockedValue { state in
            state.inbox.giveUp(nonce)
            state.probes[nonce] = nil
        }
    }

    private func hear(_ notification: PostgresNotification) {
        let (probe, reader) = state.withLockedValue { state in
            let nonce = state.inbox.hear(notification)
            return (
                nonce.flatMap { state.probes.removeValue(forKey: $0) },
                state.inbox.isWorthWaking ? state.reader : nil
            )
        }
        probe?.resolve(.success(()))
        reader?.resolve(())
    }

    private func fail(_ failure: PostgresFailure) {
        let (probes, reader) = state.withLockedValue { state in
            state.inbox.fail(failure)
            let probes = Array(state.probes.values)
            state.probes = [:]
            return (probes, state.reader)
        }
        for probe in probes { probe.resolve(.failure(failure)) }
        reader?.resolve(())
    }
}
