import Foundation
import Synchronization

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// PostgreSQL's programs, wherever the system keeps them, and the user they run as.
enum PostgresPrograms {
    private static let counter = Atomic(0)

    /// Debian keeps the server's programs in a folder of their version, Homebrew and others in the search path.
    static func find(_ name: String) throws -> String {
        let versions = (try? FileManager.default.contentsOfDirectory(atPath: "/usr/lib/postgresql")) ?? []
        let newestFirst = versions.sorted { (Int($0) ?? 0) > (Int($1) ?? 0) }
        return try ServerProcess.find(name, alsoIn: newestFirst.map { "/usr/lib/postgresql/\($0)/bin" })
    }

    /// What starts a server's program: through setpriv where the test is root, which leaves the process id the program's own.
    static func command(_ name: String, _ arguments: [String]) throws -> (executable: String, arguments: [String]) {
        let program = try find(name)
        guard geteuid() == 0 else { return (program, arguments) }
        return (
            try ServerProcess.find("setpriv"),
            ["--reuid=postgres", "--regid=postgres", "--init-groups", program] + arguments
        )
    }

    /// Makes the directories of a new server.
    static func settings(port: Int?, durable: Bool, options: [String]) throws -> PostgresServer.Settings {
        let directory = FileManager.default.temporaryDirectory.appendingPathComponent(
            "crier-postgres-\(UInt32.random(in: 0...(.max)))")
        for folder in ["data", "socket"] {
            let path = directory.appendingPathComponent(folder).path
            try FileManager.default.createDirectory(
                atPath: path, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o700])
            if geteuid() == 0 {
                guard let user = getpwnam("postgres") else { throw ServerProcess.Failure("no user postgres") }
                guard chown(path, user.pointee.pw_uid, user.pointee.pw_gid) == 0 else {
                    throw ServerProcess.Failure("cannot give \(path) to postgres: errno \(errno)")
                }
            }
        }
        chmod(directory.path, 0o711)
        let socket = directory.appendingPathComponent("socket").path
        return PostgresServer.Settings(
            port: try port ?? ServerProcess.freePort(), directory: directory,
            options: [
                "listen_addresses=127.0.0.1", "unix_socket_directories=\(socket)", "fsync=\(durable ? "on" : "off")",
                "max_connections=200", "shared_buffers=32MB",
            ] + options)
    }

    /// Starts the server of a cluster that is there.
    static func launch(_ settings: PostgresServer.Settings) throws -> ServerProcess {
        let (executable, arguments) = try command(
            "postgres",
            ["-D", settings.data.path, "-p", "\(settings.port)"] + settings.options.flatMap { ["-c", $0] })
        return try ServerProcess(
            executable, arguments, in: settings.directory, log: settings.directory.appendingPathComponent("server.log"))
    }

    /// Runs a program to its end.
    ///
    /// - Returns: what it wrote, without white space at its end.
    /// - Throws: `ServerProcess.Failure` with what it wrote where it failed.
    @discardableResult
    static func run(_ name: String, _ arguments: [String], in directory: URL, asServer: Bool = false) async throws
        -> String
    {
        let number = counter.add(1, ordering: .relaxed).newValue
        let log = directory.appendingPathComponent("\(name)-\(number).log")
        defer { try? FileManager.default.removeItem(at: log) }
        let (executable, arguments) = asServer ? try command(name, arguments) : (try find(name), arguments)
        // The directory that the test runs in may be closed to the server's user.
        let process = try ServerProcess(executable, arguments, in: directory, log: log)
        guard try await process.end() == 0 else {
            throw ServerProcess.Failure("\(name) failed", output: process.output)
        }
        let output = try String(contentsOf: log, encoding: .utf8)
        return output.trimmingCharacters(in: .whitespacesAndNewlines)
    }
}
