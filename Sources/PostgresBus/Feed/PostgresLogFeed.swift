public import MessageBus
import NIOConcurrencyHelpers

/// A subscription's way to the log: a connection that listens, and reads when it hears that the log goes on. It also looks every second, so that a
/// notification that was lost only delays.
public final class PostgresLogFeed: LogFeed {
    /// How long the log is not looked at where nothing is heard.
    private static let pollInterval = Duration.seconds(1)
    /// How long a statement on the feed's connection may take.
    static let patience = Duration.milliseconds(2500)

    let connection: PostgresConnection
    private let signals: FeedSignals
    private let store: PostgresLogStore
    /// When the log was last looked at, and what it was read up to.
    private let lastLook = NIOLockedValueBox<(time: ContinuousClock.Instant, cursor: Position)?>(nil)

    init(_ connection: PostgresConnection, _ signals: FeedSignals, of store: PostgresLogStore) {
        self.connection = connection
        self.signals = signals
        self.store = store
    }

    deinit { connection.close() }

    public func read(after cursor: Position, limit: Int, wait: Duration) async throws(BusError)
        -> LogReading
    {
        let end = ContinuousClock.now + wait
        while true {
            let inbox = signals.inbox
            if inbox.isSuperseded { return .superseded }
            if let failure = inbox.failure { throw BusError(failure) }
            let nextLook = nextLook(after: cursor)
            if inbox.mayHaveMore || nextLook <= .now {
                let alerts = try await look(after: cursor, limit: max(1, limit))
                if !alerts.isEmpty { return .alerts(alerts) }
            } else {
                await signals.wait(until: min(end, nextLook))
            }
            if Task.isCancelled || end <= .now { return .nothing }
        }
    }

    public func probe(within bound: Duration) async throws(BusError) {
        let deadline = ContinuousClock.now + bound
        switch try await hear(until: deadline) {
        case .success?: return
        case .failure(let failure)?: throw BusError(failure)
        case nil:
            throw BusError(.unavailable, "PostgreSQL does not pass notifications on", retryAfter: 1)
        }
    }

    public func close() async { connection.close() }

    /// Sends a word to the feed's channels, through the connection that all statements take.
    ///
    /// - Returns: `nil` where it was not heard in time.
    func hear(until deadline: ContinuousClock.Instant) async throws(BusError) -> Result<
        Void, PostgresFailure
    >? {
        let nonce = String(UInt64.random(in: 0...(.max)), radix: 36)
        let heard = signals.expect(nonce)
        defer { signals.giveUp(nonce) }
        let word = FeedWord.probe(nonce).text(in: store.schema.namespace)
        let channels = signals.inbox.channels
        _ = try await store.link.run(
            "SELECT pg_notify(channel, $2) IS NULL FROM unnest($1::text[]) channel",
            [.textArray(channels), .text(word)],
            until: deadline)
        return await heard.value(until: deadline)
    }

    /// When the log has to be looked at although nothing is heard.
    private func nextLook(after cursor: Position) -> ContinuousClock.Instant {
        lastLook.withLockedValue { last in
            guard let last, last.cursor == cursor else { return .now }
            return last.time + Self.pollInterval
        }
    }

    private func look(after cursor: Position, limit: Int) async throws(BusError) -> [StoredAlert] {
        signals.beginReading()
        do {
            let rows = try await connection.run(
                """
                SELECT epoch, "offset", body, key, healed_epoch, healed_offset, prev_epoch, prev_offset
                FROM \(store.schema.namespace).log WHERE (epoch, "offset") > ($1, $2) ORDER BY epoch, "offset" LIMIT $3
                """, cursor.parameters + [.integer(Int64(limit))], until: .now + Self.patience)
            let alerts = try rows.map { row throws(PostgresFailure) in try Self.alert(row) }
            if alerts.count == limit { signals.expectMore() }
            lastLook.withLockedValue { $0 = (.now, alerts.last?.position ?? cursor) }
            return alerts
        } catch {
            signals.expectMore()
            throw BusError(error)
        }
    }

    private static func alert(_ row: PostgresRow) throws(PostgresFailure) -> StoredAlert {
        guard let body = row.bytes(2) else { throw .unexpected("an alert without a body") }
        return StoredAlert(
            position: try row.requiredPosition(0), body: body, key: row.text(3),
            healedFrom: try row.position(4),
            predecessor: try row.position(6))
    }
}
