public import MessageBus

/// What a reader is told when part of what it asked for is gone.
public struct Reset: Sendable, Equatable {
    public enum Reason: String, Sendable {
        /// Older than what is held.
        case retention
        /// The log began anew.
        case epoch
        /// No alert has that id.
        case unknown
        /// The bus reported a loss.
        case lost
    }

    public let reason: Reason
    /// What the reader asked to go on after.
    public let since: Position?
    /// The oldest alert still held.
    public let oldest: Position?
    /// The stream goes on after this.
    public let resumesAfter: Position
}
