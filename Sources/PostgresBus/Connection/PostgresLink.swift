import Logging
import MessageBus

/// The connection for statements, which all of a VM's callers share: made when it is needed, and made again when it broke.
///
/// Works behind a pooler that gives every transaction another session (PgBouncer's transaction mode): each statement is a transaction of its own and
/// leaves nothing in the session.
actor PostgresLink {
    /// The longest that any caller waits, and that a statement may take.
    static let patience = Duration.seconds(4)
    /// The longest that connecting takes.
    static let connectPatience = Duration.milliseconds(2500)

    private let parameters: ConnectionParameters
    private let schema: PostgresSchema
    private let logger: Logger
    private var connection: PostgresConnection?
    /// When connecting is given up.
    private var attemptEnd = ContinuousClock.now
    /// Whether the schema was found to be there, on this connection.
    private var isPrepared = false
    private var gate = ReconnectGate()
    private var isClosed = false

    init(_ parameters: ConnectionParameters, schema: PostgresSchema, logger: Logger) {
        self.parameters = parameters
        self.schema = schema
        self.logger = logger
    }

    deinit { connection?.close() }

    /// Runs one statement, where need be after connecting and after the schema's migration.
    func run(
        _ sql: String, _ statementParameters: [PostgresParameter] = [],
        until deadline: ContinuousClock.Instant
    ) async throws(BusError) -> PostgresRows {
        let connection = try await connected(until: deadline)
        do throws(PostgresFailure) {
            if !isPrepared {
                if try await schema.prepare(connection, until: deadline) {
                    logger.info(
                        "created the schema in PostgreSQL", metadata: ["schema": "\(schema.namespace)"])
                }
                isPrepared = connection === self.connection
            }
            let rows = try await connection.run(sql, statementParameters, until: deadline)
            gate.succeeded()
            return rows
        } catch {
            if error.isMissingSchema { isPrepared = false }
            if connection.isClosed { forget(connection, error) }
            throw BusError(error)
        }
    }

    /// Ends the connection; there is none after it.
    func close() {
        isClosed = true
        connection?.close()
        connection = nil
    }

    private func connected(until deadline: ContinuousClock.Instant) async throws(BusError)
        -> PostgresConnection
    {
        guard !isClosed else { throw BusError(.closed, "the bus is closed") }
        let connection = try current()
        let attemptEnd = attemptEnd
        switch await connection.opening.value(until: min(deadline, attemptEnd)) {
        case .success?: return connection
        case .failure(let failure)?:
            forget(connection, failure)
            throw BusError(failure)
        case nil:
            let failure = PostgresFailure.unanswered("connecting")
            // Who has less time than connecting takes leaves the attempt to the others.
            if .now >= attemptEnd {
                connection.close()
                forget(connection, failure)
            }
            throw BusError(failure)
        }
    }

    /// The connection that there is, or a new one where it is time to try.
    private func current() throws(BusError) -> PostgresConnection {
        if let connection, !connection.isClosed { return connection }
        if let failure = gate.failure(at: .now) { throw BusError(failure) }
        attemptEnd = .now + Self.connectPatience
        let connection = PostgresConnection.start(
            parameters, until: attemptEnd, patience: Self.patience)
        self.connection = connection
        isPrepared = false
        return connection
    }

    /// A connection that failed before anything was done on it says that the backend is away; one that broke later is replaced at once.
    private func forget(_ connection: PostgresConnection, _ failure: PostgresFailure) {
        guard self.connection === connection else { return }
        self.connection = nil
        if !isPrepared { gate.failed(failure, at: .now) }
    }
}
