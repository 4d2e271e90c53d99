public import Foundation
import NIOConcurrencyHelpers

/// A redis-server of a test's own, on 127.0.0.1, with its data in a directory of its own.
///
/// Ends with the last reference to it, by SIGKILL.
public final class RedisServer: Sendable {
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
    /// Where the server's files and its log are.
    public let directory: URL
    private let ownsDirectory: Bool
    private let executable: String
    private let arguments: [String]
    private let current: NIOLockedValueBox<ServerProcess>

    /// Starts a server and waits until it answers.
    ///
    /// - Parameters:
    ///   - port: `nil` takes a free one.
    ///   - directory: exists already and is kept; `nil` makes one, which is removed by `stop`.
    ///   - replicaOf: the port on 127.0.0.1 of the server to replicate.
    ///   - maxMemory: as redis.conf has it, such as `4mb`; nothing is evicted.
    ///   - extra: more arguments, such as `["--requirepass", "secret"]`.
    /// - Throws: `ServerProcess.Failure` where redis-server is not there or does not answer.
    public static func start(
        appendOnly: AppendOnly = .off, port: Int? = nil, directory: URL? = nil, replicaOf: Int? = nil,
        maxMemory: String? = nil, extra: [String] = []
    ) async throws -> RedisServer {
        let server = try RedisServer(
            appendOnly: appendOnly, port: port ?? ServerProcess.freePort(), directory: directory,
            replicaOf: replicaOf, maxMemory: maxMemory, extra: extra)
        try await server.awaitAnswer()
        return server
    }

    private init(
        appendOnly: AppendOnly, port: Int, directory: URL?, replicaOf: Int?, maxMemory: String?, extra: [String]
    ) throws {
        self.port = port
        ownsDirectory = directory == nil
        self.directory =
            directory ?? FileManager.default.temporaryDirectory.appending(path: "redis-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: self.directory, withIntermediateDirectories: true)
        executable = try ServerProcess.find("redis-server")
        var arguments = [
            "--port", String(port), "--bind", "127.0.0.1", "--protected-mode", "no", "--daemonize", "no",
            "--save", "", "--dir", self.directory.path, "--repl-diskless-sync-delay", "0",
            "--appendonly", appendOnly == .off ? "no" : "yes",
            "--appendfsync", appendOnly == .always ? "always" : "everysec",
        ]
        if let replicaOf { arguments += ["--replicaof", "127.0.0.1", String(replicaOf)] }
        if let maxMemory { arguments += ["--maxmemory", maxMemory, "--maxmemory-policy", "noeviction"] }
        self.arguments = arguments + extra
        current = NIOLockedValueBox(try Self.launch(executable, self.arguments, in: self.directory))
    }

    private static func launch(
        _ executable: String, _ arguments: [String], in directory: URL
    ) throws -> ServerProcess {
        try ServerProcess(executable, arguments, in: directory, log: directory.appending(path: "server.log"))
    }

    /// The running process, or the last one.
    public var process: ServerProcess { current.withLockedValue { $0 } }

    /// `redis://127.0.0.1:port`
    public var url: String { "redis://127.0.0.1:\(port)" }

    /// Sends a command by redis-cli. Options of redis-cli, such as `-n 2`, may stand before it.
    ///
    /// - Returns: what redis-cli wrote, which for an error is the error, without the line's end.
    /// - Throws: `ServerProcess.Failure` where redis-cli does not end in time.
    @discardableResult
    public func command(_ words: [String]) async throws -> String {
        let answer = directory.appending(path: "answer-\(UUID().uuidString)")
        defer { try? FileManager.default.removeItem(at: answer) }
        let client = try ServerProcess(
            ServerProcess.find("redis-cli"), ["-h", "127.0.0.1", "-p", String(port)] + words, log: answer)
        try await client.end()
        return try String(contentsOf: answer, encoding: .utf8).trimmingCharacters(in: .newlines)
    }

    /// Sends SIGKILL and waits for the end.
    public func kill() async throws { try await process.endByKill() }

    /// Starts the server again, on the same port and directory, and waits until it answers.
    public func restart() async throws {
        let process = try Self.launch(executable, arguments, in: directory)
        current.withLockedValue { $0 = process }
        try await awaitAnswer()
    }

    /// `kill`, then `restart`.
    public func killAndRestart() async throws {
        try await kill()
        try await restart()
    }

    /// Ends the server and removes the directory that was made for it. Repeating it has no effect.
    public func stop() async throws {
        try await kill()
        if ownsDirectory { try? FileManager.default.removeItem(at: directory) }
    }

    /// A server that asks for a password first has answered as well.
    private func awaitAnswer() async throws {
        try await ServerProcess.eventually("an answer of redis-server", of: process) {
            let answer = try await command(["PING"])
            return answer.hasPrefix("PONG") || answer.contains("NOAUTH")
        }
    }
}
