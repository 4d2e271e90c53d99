/// What goes into the log.
public struct LogRecord: Sendable {
    public let draft: Draft
    /// Where the alert stood before the backend lost it; `nil` for a new one.
    public let healedFrom: Position?

    public init(_ draft: Draft, healedFrom: Position? = nil) {
        self.draft = draft
        self.healedFrom = healedFrom
    }
}
