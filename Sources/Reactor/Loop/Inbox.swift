import NIOConcurrencyHelpers

/// Where other threads leave tasks for a loop. Unbounded, as every event loop's is: what is bounded is what leaves tasks here.
struct Inbox: Sendable {
    typealias Task = @Sendable () -> Void

    private struct State {
        var tasks: [Task] = []
        /// Whether the loop waits, or is about to, without knowing of the tasks.
        var isAsleep = false
        var isClosed = false
    }

    private let state = NIOLockedValueBox(State())

    /// What has to follow a ``put(_:)``.
    enum Outcome { case none, wake, refused }

    /// Leaves a task. One that comes after the loop's end is refused and dropped.
    func put(_ task: @escaping Task) -> Outcome {
        state.withLockedValue { state in
            if state.isClosed { return .refused }
            state.tasks.append(task)
            guard state.isAsleep else { return .none }
            state.isAsleep = false
            return .wake
        }
    }

    /// Says that the loop is going to wait. From then on a task that comes has to wake it.
    ///
    /// - Returns: `false` where tasks are there: the loop must not wait.
    func fallAsleep() -> Bool {
        state.withLockedValue { state in
            state.isAsleep = state.tasks.isEmpty
            return state.isAsleep
        }
    }

    /// Takes everything, in order, in exchange for an empty array whose room is used again.
    func takeAll(into tasks: inout [Task]) {
        state.withLockedValue { state in
            state.isAsleep = false
            swap(&state.tasks, &tasks)
        }
    }

    /// Takes no more.
    func close() { state.withLockedValue { $0.isClosed = true } }
}
