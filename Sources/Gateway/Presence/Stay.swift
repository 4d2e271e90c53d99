import Synchronization

/// Someone's being in a room by way of one socket, from `PresenceBook.enter` until `leave`. It has to be left: it does not end with the reference.
final class Stay: Sendable {
    private let hasLeft = Atomic(false)
    private let end: @Sendable () -> Void

    init(end: @escaping @Sendable () -> Void) { self.end = end }

    /// Ends the stay. Called on the stay's event loop, it is told of nothing any more once this has returned; called elsewhere, it may be told once
    /// more. May be called from any thread; repeating it has no effect.
    func leave() {
        if !hasLeft.exchange(true, ordering: .relaxed) { end() }
    }
}
