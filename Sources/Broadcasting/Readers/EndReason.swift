/// Why the hub ends a reader; the transport says it in its own way (a close code, or the end of the stream).
public enum EndReason: Sendable, Equatable {
    /// More waits for it than it may keep waiting.
    case slow
    /// It answered no heartbeat.
    case silent
    /// The VM is draining.
    case draining
    /// The VM's time to drain is over.
    case leaving
    /// It has what it polled for.
    case caughtUp
}
