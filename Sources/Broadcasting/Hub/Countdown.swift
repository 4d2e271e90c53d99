import Synchronization

/// Calls back once when as many have arrived as were expected.
final class Countdown: Sendable {
    private let remaining: Atomic<Int>
    private let finished: @Sendable () -> Void

    init(_ count: Int, finished: @escaping @Sendable () -> Void) {
        self.remaining = Atomic(count)
        self.finished = finished
        if count == 0 { finished() }
    }

    func arrive() {
        if remaining.subtract(1, ordering: .acquiringAndReleasing).newValue == 0 { finished() }
    }
}
