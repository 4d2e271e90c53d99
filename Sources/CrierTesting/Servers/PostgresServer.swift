public import Foundation

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// A PostgreSQL server that a test started: a cluster of its own in a temporary directory, on 127.0.0.1 without passwords.
///
/// It has a role `crier` that may log in and owns the database `crier`, and the superuser `postgres`. Where the test runs as root the server runs as the
/// system's user `postgres`, since PostgreSQL refuses root.
///
/// Methods may be called from any task; those that start and stop the server may not overlap. The last reference to it takes the server and its directory away.
public final class PostgresServer: RestartableServer {
    /// How a server is started.
    struct Settings: Sendable {
        let port: Int
        /// Holds the cluster in `data`, the socket in `socket`, and what the programs wrote.
        let directory: URL
        /// Given to the server as `-c name=value`.
        let options: [String]

        var data: URL { directory.appendingPathComponent("data") }
    }

    public let port: Int
    public let process: ServerProcess
    private let settings: Settings

    public var directory: URL { settings.directory }

    private init(_ settings: Settings) throws {
        self.settings = settings
        port = settings.port
        process = try PostgresPrograms.launch(settings)
    }

    deinit { try? FileManager.default.removeItem(at: directory) }

    /// Starts a server with an empty cluster.
    ///
    /// - Parameters:
    ///   - port: `nil` takes a free one.
    ///   - durable: whether commits reach the disk before they are acknowledged, as in production. Quicker without.
    ///   - options: further settings of the server, `name=value`.
    /// - Throws: `ServerProcess.Failure` where PostgreSQL is not installed, ``Overdue`` where it does not come up.
    public static func start(port: Int? = nil, durable: Bool = true, options: [String] = []) async throws
        -> PostgresServer
    {
        let server = try await start(
            PostgresPrograms.settings(port: port, durable: durable, options: options), filledBy: "initdb",
            [
                "--no-sync", "--no-instructions", "--auth=trust", "--username=postgres", "--encoding=UTF8",
                "--locale=C",
            ])
        try await server.query("CREATE ROLE crier LOGIN", database: "postgres")
        try await server.query("CREATE DATABASE crier OWNER crier", database: "postgres")
        return server
    }

    /// Starts a hot standby of this server, which follows it by asynchronous streaming replication.
    public func startStandby() async throws -> PostgresServer {
        try await Self.start(
            PostgresPrograms.settings(port: nil, durable: true, options: []), filledBy: "pg_basebackup",
            [
                "--no-sync", "--write-recovery-conf", "--checkpoint=fast", "--host=127.0.0.1", "--port=\(port)",
                "--username=postgres",
            ])
    }

    /// Starts a server whose cluster a program makes.
    private static func start(
        _ settings: Settings, filledBy program: String, _ arguments: [String]
    ) async throws -> PostgresServer {
        do {
            try await PostgresPrograms.run(
                program, arguments + ["--pgdata=\(settings.data.path)"], in: settings.directory, asServer: true)
            let server = try PostgresServer(settings)
            try await server.awaitAnswer()
            return server
        } catch {
            try? FileManager.default.removeItem(at: settings.directory)
            throw error
        }
    }

    /// Makes a standby a server of its own, on a timeline of its own.
    public func promote() async throws {
        try await query("SELECT pg_promote()")
        try await eventually("the promotion") {
            try await self.query("SELECT pg_is_in_recovery()") == "f"
        }
    }

    /// Where the role `crier` finds its database.
    public var url: String { url(port: port) }

    /// The same through another port, such as a proxy's.
    public func url(port: Int) -> String { "postgres://crier@127.0.0.1:\(port)/crier" }

    /// Runs SQL by psql.
    ///
    /// - Returns: the rows as lines, their columns parted by `|`.
    /// - Throws: `ServerProcess.Failure` with psql's words.
    @discardableResult
    public func query(_ sql: String, as role: String = "postgres", database: String = "crier") async throws -> String {
        try await PostgresPrograms.run(
            "psql",
            [
                "--no-psqlrc", "--quiet", "--no-align", "--tuples-only", "--set=ON_ERROR_STOP=1", "--host=127.0.0.1",
                "--port=\(port)", "--username=\(role)", "--dbname=\(database)", "--command=\(sql)",
            ], in: directory)
    }

    /// Ends all processes of the server by SIGKILL, as a machine's crash would, and waits until they are gone: the cluster is not free before.
    public func kill() async throws { try await process.endWithChildrenByKill() }

    public func awaitAnswer() async throws {
        try await eventually("a connection to PostgreSQL", of: process) {
            (try? await query("SELECT 1", database: "postgres")) == "1"
        }
    }

    /// Ends the server in good order, without waiting for its clients: open transactions are rolled back. The cluster stays for `restart`.
    public func stop() async throws {
        process.send(SIGINT)
        try await process.end()
    }
}
