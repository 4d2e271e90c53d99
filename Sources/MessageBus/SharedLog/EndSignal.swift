import NIOConcurrencyHelpers

/// Something that happens once, and that one task at a time may wait for a while.
final class EndSignal: Sendable {
    private enum State {
        case pending(CheckedContinuation<Void, Never>?)
        case signalled
    }

    private let state = NIOLockedValueBox(State.pending(nil))

    func signal() {
        let waiter = state.withLockedValue { state -> CheckedContinuation<Void, Never>? in
            guard case .pending(let waiter) = state else { return nil }
            state = .signalled
            return waiter
        }
        waiter?.resume()
    }

    /// Waits until it has happened, the time is over or the task is cancelled.
    func wait(atMost bound: Duration) async {
        await withTaskGroup(of: Void.self) { group in
            group.addTask { try? await ContinuousClock().sleep(for: bound) }
            group.addTask { await self.wait() }
            await group.next()
            group.cancelAll()
        }
    }

    private func wait() async {
        await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                let isOver = state.withLockedValue { state -> Bool in
                    guard case .pending = state, !Task.isCancelled else { return true }
                    state = .pending(continuation)
                    return false
                }
                if isOver { continuation.resume() }
            }
        } onCancel: {
            let waiter = state.withLockedValue { state -> CheckedContinuation<Void, Never>? in
                guard case .pending(let waiter) = state else { return nil }
                state = .pending(nil)
                return waiter
            }
            waiter?.resume()
        }
    }
}
