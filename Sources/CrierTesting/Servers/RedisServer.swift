public import Foundation

/// A redis-server of a test's own, on 127.0.0.1, with its data in a directory of its own.
///
/// Ends with the last reference to it, by SIGKILL.
public final class RedisServer: RestartableServer {
    /// How the server keeps what it accepted across a restart.
    public enum AppendOnly: Sendable {
        /// Not at all.
        case off
        /// In a file that reaches the disk every second.
        case everysec
        /// In a file that reaches the disk before each answer.
        case always
    }

    public let port: Int
    public let directory: URL
    public let process: ServerProcess

    /// Starts a server and waits until it answers.
    ///
    /// - Parameters:
    ///   - port: `nil` takes a free one.
    ///   - replicaOf: the port on 127.0.0.1 of the server to replicate.
    ///   - maxMemory: as redis.conf has it, such as `4mb`; nothing is evicted.
    ///   - extra: more arguments, such as `["--requirepass", "secret"]`.
    /// - Throws: `ServerProcess.Failure` where redis-server is not there, ``Overdue`` where it does not answer.
    public static func start(
        appendOnly: AppendOnly = .off, port: Int? = nil, replicaOf: Int? = nil, maxMemory: String? = nil,
        extra: [String] = []
    ) async throws -> RedisServer {
        let server = try RedisServer(
            appendOnly: appendOnly, port: port ?? ServerProcess.freePort(), replicaOf: replicaOf, maxMemory: maxMemory,
            extra: extra)
        try await server.awaitAnswer()
        return server
    }

    private init(appendOnly: AppendOnly, port: Int, replicaOf: Int?, maxMemory: String?, extra: [String]) throws {
        let executable = try ServerProcess.find("redis-server")
        self.port = port
        directory = FileManager.default.temporaryDirectory.appending(path: "redis-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: directory, withIntermediateDirectories: true)
        var arguments = [
            "--port", String(port), "--bind", "127.0.0.1", "--protected-mode", "no", "--daemonize", "no",
            "--save", "", "--dir", directory.path, "--repl-diskless-sync-delay", "0",
            "--appendonly", appendOnly == .off ? "no" : "yes",
            "--appendfsync", appendOnly == .always ? "always" : "everysec",
        ]
        if let replicaOf { arguments += ["--replicaof", "127.0.0.1", String(replicaOf)] }
        if let maxMemory { arguments += ["--maxmemory", maxMemory, "--maxmemory-policy", "noeviction"] }
        process = try ServerProcess(
            executable, arguments + extra, in: directory, log: directory.appending(path: "server.log"))
    }

    deinit { try? FileManager.default.removeItem(at: directory) }

    /// `redis://127.0.0.1:port`
    public var url: String { "redis://127.0.0.1:\(port)" }

    /// Sends a command by redis-cli. Options of redis-cli, such as `-n 2`, may stand before it.
    ///
    /// - Returns: what redis-cli wrote, which for an error is the error, without the line's end.
    /// - Throws: ``Overdue`` where redis-cli does not end in time.
    @discardableResult
    public func command(_ words: [String]) async throws -> String {
        let answer = directory.appending(path: "answer-\(UUID().uuidString)")
        defer { try? FileManager.default.removeItem(at: answer) }
        let client = try ServerProcess(
            ServerProcess.find("redis-cli"), ["-h", "127.0.0.1", "-p", String(port)] + words, log: answer)
        try await client.end()
        return try String(contentsOf: answer, encoding: .utf8).trimmingCharacters(in: .newlines)
    }

    /// A server that asks for a password first has answered as well.
    public func awaitAnswer() async throws {
        try await eventually("an answer of redis-server", of: process) {
            let answer = try await command(["PING"])
            return answer.hasPrefix("PONG") || answer.contains("NOAUTH")
        }
    }
}
