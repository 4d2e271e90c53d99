import NIOConcurrencyHelpers

/// The end of a loop, and those who wait for it.
struct EventLoopEnd: Sendable {
    private struct State {
        var isReached = false
        var waiting: [@Sendable () -> Void] = []
    }

    private let state = NIOLockedValueBox(State())

    func reach() {
        let waiting = state.withLockedValue { state in
            state.isReached = true
            defer { state.waiting = [] }
            return state.waiting
        }
        for body in waiting { body() }
    }

    /// Calls back once, at once where the end is reached already.
    func whenReached(_ body: @escaping @Sendable () -> Void) {
        let isReached = state.withLockedValue { state in
            if !state.isReached { state.waiting.append(body) }
            return state.isReached
        }
        if isReached { body() }
    }
}
