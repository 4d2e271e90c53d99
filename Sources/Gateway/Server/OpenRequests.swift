import NIOConcurrencyHelpers

/// Counts the requests that the HTTP framework has and has not answered, so that a server that leaves can wait for them.
final class OpenRequests: Sendable {
    private struct State {
        var count = 0
        var waiter: AsyncStream<Never>.Continuation?
    }

    private let state = NIOLockedValueBox(State())

    func begin() { state.withLockedValue { $0.count += 1 } }

    func end(_ count: Int = 1) {
        let waiter = state.withLockedValue { state in
            state.count -= count
            return state.count == 0 ? state.waiter : nil
        }
        waiter?.finish()
    }

    /// Waits until all are answered, at most `bound`.
    func finish(within bound: Duration) async {
        let (answered, waiter) = AsyncStream<Never>.makeStream()
        state.withLockedValue { state in
            state.waiter = waiter
            if state.count == 0 { waiter.finish() }
        }
        await withTaskGroup(of: Void.self) { group in
            group.addTask { for await _ in answered {} }
            group.addTask { try? await ContinuousClock().sleep(for: bound) }
            await group.next()
            group.cancelAll()
        }
    }
}
