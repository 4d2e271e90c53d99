public import Foundation

/// A server of a test's own, on 127.0.0.1, which can be killed and started again where it was.
///
/// Its methods may be called from any task; those that start and end the server may not overlap.
public protocol RestartableServer: Sendable {
    /// The server's process, or the one that starts the others.
    var process: ServerProcess { get }
    /// Where the server's files and its log are. Goes with the server.
    var directory: URL { get }

    /// Waits until the server, whose process runs, answers.
    ///
    /// - Throws: ``Overdue``, or `ServerProcess.Failure` where it ended instead.
    func awaitAnswer() async throws

    /// Sends SIGKILL and waits for the end.
    func kill() async throws

    /// Ends the server. Repeating it has no effect.
    func stop() async throws
}

extension RestartableServer {
    public func kill() async throws { try await process.endByKill() }

    /// Kills the server and removes its directory.
    public func stop() async throws {
        try await kill()
        try? FileManager.default.removeItem(at: directory)
    }

    /// Starts the server, which has ended, again as it was started at first, and waits until it answers.
    public func restart() async throws {
        try process.restart()
        try await awaitAnswer()
    }

    /// ``kill()`` and ``restart()``.
    public func killAndRestart() async throws {
        try await kill()
        try await restart()
    }
}
