#if canImport(Musl)
    import Musl
#else
    import Glibc
#endif

/// A descriptor that a loop waits for. Isolation: the loop.
public class PolledDescriptor {
    /// The system's number for it.
    final let number: CInt
    /// Set when it is registered.
    final var generation: UInt32 = 0

    init(number: CInt) { self.number = number }

    /// epoll has something to say.
    func ready(_ readiness: Readiness) {}

    /// Has it closed at the end of the turn. Repeating it has no effect.
    func close() {}

    /// The end of the turn in which it was closed.
    func end() {}
}

@available(*, unavailable)
extension PolledDescriptor: Sendable {}
