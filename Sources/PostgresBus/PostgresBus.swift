public import Logging
public import MessageBus

/// The bus on PostgreSQL.
public enum PostgresBus {
    /// A bus that keeps its log in a schema of a database, which it creates. Nothing is connected yet.
    ///
    /// - Parameters:
    ///   - url: the database, as libpq takes it: `postgres://user:password@host:port/database?sslmode=verify-full`, or `key=value` words. May lead
    ///     to a pooler.
    ///   - directURL: the same database without a pooler, for `LISTEN`; `nil` where `url` leads to PostgreSQL itself.
    ///   - namespace: the schema's name, `[a-z_][a-z0-9_]{0,30}`.
    ///   - logCount: how many alerts the log holds; up to an eighth more for a while.
    /// - Throws: what is wrong with the settings, without a password.
    public static func make(
        url: String, directURL: String? = nil, namespace: String = "crier", logCount: Int,
        logger: Logger
    ) throws(PostgresURLError) -> SharedLogBus<PostgresLogStore> {
        try makeWithStore(
            url: url, directURL: directURL, namespace: namespace, logCount: logCount, logger: logger
        ).bus
    }

    /// A bus, and the store beside it, which has the bus's connection for statements and ends with it.
    ///
    /// The parameters are those of `make`.
    public static func makeWithStore(
        url: String, directURL: String? = nil, namespace: String = "crier", logCount: Int, logger: Logger
    ) throws(PostgresURLError) -> (bus: SharedLogBus<PostgresLogStore>, store: PostgresSharedStore) {
        let log = try store(
            url: url, directURL: directURL, namespace: namespace, logCount: logCount, logger: logger)
        return (SharedLogBus(store: log, logger: logger), PostgresSharedStore(log))
    }

    static func store(
        url: String, directURL: String?, namespace: String, logCount: Int, logger: Logger
    ) throws(PostgresURLError) -> PostgresLogStore {
        let command = try ConnectionParameters(url, setting: "DATABASE_URL")
        let direct = try directURL.map { text throws(PostgresURLError) in
            try ConnectionParameters(text, setting: "DATABASE_DIRECT_URL")
        }
        return PostgresLogStore(
            command: command, direct: direct ?? command,
            schema: PostgresSchema(namespace: try PostgresNamespace(namespace)), retained: logCount,
            logger: logger)
    }
}
