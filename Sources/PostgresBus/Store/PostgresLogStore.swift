import Logging
public import MessageBus

/// The log in a schema of a PostgreSQL database, version 13 or later.
///
/// - **Durability** is what the server's `synchronous_commit` says: with `on`, PostgreSQL's default, nothing that was acknowledged is lost by a crash of
///   the server; with a synchronous standby, nothing by a fail-over to it either.
/// - **Order.** Publishing takes a lock to the end of its transaction, so that offsets have no holes and become visible in their order.
public final class PostgresLogStore: LogStore {
    let schema: PostgresSchema
    let link: PostgresLink
    /// Leads to PostgreSQL itself, not to a pooler.
    let direct: ConnectionParameters
    private let retained: Int

    init(
        command: ConnectionParameters, direct: ConnectionParameters, schema: PostgresSchema,
        retained: Int,
        logger: Logger
    ) {
        self.schema = schema
        self.direct = direct
        self.retained = max(1, retained)
        link = PostgresLink(command, schema: schema, logger: logger)
    }

    public func open(seen: Position) async throws(BusError) -> LogState {
        let rows = try await run(
            "SELECT epoch, last_offset, prev_epoch, prev_offset FROM \(schema.namespace).enter($1, $2)",
            seen.parameters)
        return try answer { () throws(PostgresFailure) in
            let row = try rows.only()
            return LogState(head: try row.requiredPosition(0), predecessor: try row.requiredPosition(2))
        }
    }

    public func append(_ records: [LogRecord], seen: Position) async throws(BusError) -> [Receipt] {
        guard !records.isEmpty else { return [] }
        let batch = AppendBatch(records)
        let rows = try await run(
            "SELECT * FROM \(schema.namespace).publish($1, $2, $3, $4, $5, $6, $7, $8)",
            batch.parameters + seen.parameters + [.integer(Int64(retained))])
        return try answer { () throws(PostgresFailure) in try batch.receipts(rows) }
    }

    public func bounds(beforeLast count: Int) async throws(BusError) -> LogBounds {
        let rows = try await run(
            """
            SELECT s.floor_epoch, s.floor_offset, s.epoch, s.last_offset, b.epoch, b."offset" FROM \(schema.namespace).state s
            LEFT JOIN LATERAL (
              SELECT epoch, "offset" FROM \(schema.namespace).log ORDER BY epoch DESC, "offset" DESC OFFSET $1 LIMIT 1
            ) b ON true
            """, [.integer(Int64(max(0, count)))])
        return try answer { () throws(PostgresFailure) in
            let row = try rows.only()
            let floor = try row.requiredPosition(0)
            let head = try row.requiredPosition(2)
            let start = try row.position(4)
            return LogBounds(
                floor: floor, start: count > 0 ? max(floor, start ?? floor) : head, head: head)
        }
    }

    /// Lets go of what the log need not hold any more.
    func sweep(until deadline: ContinuousClock.Instant) async throws(BusError) {
        _ = try await run(
            "SELECT \(schema.namespace).sweep($1)", [.integer(Int64(retained))], until: deadline)
    }

    public func close() async { await link.close() }

    /// Runs a statement, within the time that a method has where nothing else is said.
    func run(
        _ sql: String, _ parameters: [PostgresParameter],
        until deadline: ContinuousClock.Instant = .now + PostgresLink.patience
    ) async throws(BusError) -> PostgresRows {
        try await link.run(sql, parameters, until: deadline)
    }

    /// Reads an answer, in the words of the bus where it is not what was asked for.
    func answer<Answer>(_ read: () throws(PostgresFailure) -> Answer) throws(BusError) -> Answer {
        do { return try read() } catch { throw BusError(error) }
    }
}
