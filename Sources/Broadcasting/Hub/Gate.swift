import NIOConcurrencyHelpers

/// Something one task waits for; opening it twice, or before anyone waits, is fine. Cancelling the waiting task opens it.
final class Gate: Sendable {
    private enum State {
        case closed(CheckedContinuation<Void, Never>?)
        case open
    }

    private let state = NIOLockedValueBox(State.closed(nil))

    func open() {
        let waiter = state.withLockedValue { state -> CheckedContinuation<Void, Never>? in
            guard case .closed(let waiter) = state else { return nil }
            state = .open
            return waiter
        }
        waiter?.resume()
    }

    func wait() async {
        await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                let isOpen = state.withLockedValue { state -> Bool in
                    guard case .closed = state else { return true }
                    state = .closed(continuation)
                    return false
                }
                if isOpen { continuation.resume() }
            }
        } onCancel: {
            open()
        }
    }
}
