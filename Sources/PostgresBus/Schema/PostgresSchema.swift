/// The tables and functions that hold the log, and how they come to be.
struct PostgresSchema: Sendable {
    /// What `migration` leads to.
    static let version = 2

    let namespace: PostgresNamespace

    /// Makes the schema where it is missing or older than this program's, as one transaction under a lock, so that any number of VMs may
    /// start at once. Where it is there already, no right to create anything is needed; a newer one is taken as it is.
    ///
    /// - Returns: whether anything was made.
    func prepare(
        _ connection: PostgresConnection, until deadline: ContinuousClock.Instant
    ) async throws(PostgresFailure) -> Bool {
        if try await reachedVersion(connection, until: deadline) >= Self.version { return false }
        do { _ = try await connection.run(migration, until: deadline) } catch {
            guard case .refused("42501", let message) = error else { throw error }
            throw .mayNotCreate(schema: namespace.name, message: message)
        }
        return true
    }

    private func reachedVersion(
        _ connection: PostgresConnection, until deadline: ContinuousClock.Instant
    ) async throws(PostgresFailure) -> Int64 {
        do {
            let sql = "SELECT max(version)::bigint FROM \(namespace).version"
            return try await connection.run(sql, until: deadline).only().integer(0) ?? 0
        } catch {
            guard error.isMissingSchema else { throw error }
            return 0
        }
    }

    /// Brings any older version up to this one.
    private var migration: String {
        """
        DO $migration$
        DECLARE
          reached integer := 0;
        BEGIN
          PERFORM pg_advisory_xact_lock(\(lock));
          IF to_regnamespace('\(namespace)') IS NULL THEN
            CREATE SCHEMA \(namespace);
          END IF;
          IF to_regclass('\(namespace).version') IS NULL THEN
            CREATE TABLE \(namespace).version (
              version integer PRIMARY KEY,
              time timestamptz NOT NULL DEFAULT clock_timestamp()
            );
          END IF;
          SELECT coalesce(max(version), 0) INTO reached FROM \(namespace).version;
          IF reached < 1 THEN
        \(tables)
        \(functions)
            INSERT INTO \(namespace).version (version) VALUES (1);
          END IF;
          IF reached < 2 THEN
        \(storeTable)
            INSERT INTO \(namespace).version (version) VALUES (2);
          END IF;
        END
        $migration$
        """
    }

    /// Whoever changes the log's end holds this lock to the end of the transaction.
    var lock: String { "hashtextextended('crier.\(namespace)', 0)" }
}
