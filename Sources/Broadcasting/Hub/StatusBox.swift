import Synchronization

/// The hub's status behind a lock: written by its shards and its bus task, read by anyone.
final class StatusBox: Sendable {
    private let status = Mutex(Hub.Status())

    var current: Hub.Status { status.withLock { $0 } }

    func update(_ body: (inout Hub.Status) -> Void) { status.withLock { body(&$0) } }
}
