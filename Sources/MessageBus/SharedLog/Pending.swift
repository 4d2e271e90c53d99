import NIOConcurrencyHelpers
import Synchronization

/// A value that comes once and stays, and that any number of tasks may wait for.
package final class Pending<Value: Sendable>: Sendable {
    private enum State {
        case open([Int: CheckedContinuation<Value?, Never>])
        case resolved(Value)
    }

    private let state = NIOLockedValueBox(State.open([:]))
    private let tickets = Atomic(0)

    package init() {}

    /// Gives the value. The first one counts.
    package func resolve(_ value: Value) {
        let waiters = state.withLockedValue { state -> [CheckedContinuation<Value?, Never>] in
            guard case .open(let waiters) = state else { return [] }
            state = .resolved(value)
            return Array(waiters.values)
        }
        for waiter in waiters { waiter.resume(returning: value) }
    }

    /// Waits for the value.
    ///
    /// - Returns: `nil` where it did not come before the deadline or the task is cancelled.
    package func value(until deadline: ContinuousClock.Instant) async -> Value? {
        if let value = resolved { return value }
        return await withTaskGroup(of: Value?.self) { group in
            group.addTask { await self.wait() }
            group.addTask {
                try? await ContinuousClock().sleep(until: deadline)
                return nil
            }
            defer { group.cancelAll() }
            return await group.next() ?? nil
        }
    }

    private var resolved: Value? {
        state.withLockedValue { state in
            guard case .resolved(let value) = state else { return nil }
            return value
        }
    }

    private func wait() async -> Value? {
        let ticket = tickets.add(1, ordering: .relaxed).newValue
        return await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                let outcome = state.withLockedValue { state -> Value?? in
                    switch state {
                    case .resolved(let value): return .some(value)
                    case .open where Task.isCancelled: return .some(nil)
                    case .open(var waiters):
                        waiters[ticket] = continuation
                        state = .open(waiters)
                        return .none
                    }
                }
                if let outcome { continuation.resume(returning: outcome) }
            }
        } onCancel: {
            let waiter = state.withLockedValue { state -> CheckedContinuation<Value?, Never>? in
                guard case .open(var waiters) = state else { return nil }
                let waiter = waiters.removeValue(forKey: ticket)
                state = .open(waiters)
                return waiter
            }
            waiter?.resume(returning: nil)
        }
    }
}
