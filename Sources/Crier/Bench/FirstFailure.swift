import NIOConcurrencyHelpers

/// Where the loops leave why a load run cannot go on.
final class FirstFailure: Sendable {
    private let failure = NIOLockedValueBox<LoadFailure?>(nil)

    /// Leaves it unless there is one already.
    func set(_ description: String) {
        failure.withLockedValue { if $0 == nil { $0 = LoadFailure(description: description) } }
    }

    func check() throws(LoadFailure) {
        if let failure = failure.withLockedValue({ $0 }) { throw failure }
    }
}
