import NIOConcurrencyHelpers

/// The hub's status behind a lock: written by its shards and its bus task, read by anyone.
final class StatusBox: Sendable {
    private let status = NIOLockedValueBox(Hub.Status())

    var current: Hub.Status { status.withLockedValue { $0 } }

    func update<Result>(_ body: (inout Hub.Status) -> Result) -> Result { status.withLockedValue { body(&$0) } }
}
