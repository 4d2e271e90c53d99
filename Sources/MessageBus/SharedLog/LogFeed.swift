/// One subscription's way to the log, on connections of its own.
public protocol LogFeed: Sendable {
    /// Waits for alerts after `cursor` and reads at most `limit` of them, oldest first. Calls do not overlap.
    ///
    /// Cancelling the waiting task ends the wait with `.nothing` or an error, and the feed stays usable.
    ///
    /// - Throws: `.unavailable` no later than three seconds after `wait` where the backend does not answer, and where the feed is closed.
    func read(after cursor: Position, limit: Int, wait: Duration) async throws(BusError) -> LogReading

    /// Sends a word through the bus to the VM's own channel and waits to hear it: a link that is up and carries nothing does not pass. Where the
    /// feed relies on other pushed words than those of its own channel, those are tried too.
    ///
    /// - Throws: `.unavailable` where it is not heard in time.
    func probe(within bound: Duration) async throws(BusError)

    /// Ends a read that waits, and closes the connections. Repeating it has no effect.
    func close() async
}

/// What a feed finds.
public enum LogReading: Sendable {
    /// The log's next alerts as far as they are held, never empty.
    case alerts([StoredAlert])
    /// Nothing came in time.
    case nothing
    /// Another boot has taken the VM's name.
    case superseded
}
