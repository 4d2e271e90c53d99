import Foundation

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// The processes of a `PostgresServer`.
actor RunningPostgres {
    private let settings: PostgresServer.Settings
    private var process: ServerProcess?

    init(_ settings: PostgresServer.Settings) { self.settings = settings }

    func start() throws -> ServerProcess {
        let command = try PostgresPrograms.command(
            "postgres",
            ["-D", settings.data.path, "-p", "\(settings.port)"] + settings.options.flatMap { ["-c", $0] })
        let process = try ServerProcess(
            command.executable, command.arguments, in: settings.directory,
            log: settings.directory.appendingPathComponent("server.log"))
        self.process = process
        return process
    }

    func kill() async throws {
        guard let process, process.isRunning else { return }
        // A stopped postmaster starts no process that would be missed.
        process.send(SIGSTOP)
        let children = Self.children(of: process.pid)
        for pid in [process.pid] + children { _ = Self.signal(pid, SIGKILL) }
        try await process.end()
        // The data directory is not free before.
        try await ServerProcess.eventually("the end of the server's processes") {
            children.allSatisfy { Self.signal($0, 0) != 0 || Self.state(of: $0)?.state == "Z" }
        }
    }

    /// Fast shutdown: PostgreSQL rolls open transactions back and ends its connections.
    func stop() async throws {
        process?.send(SIGINT)
        try await process?.end()
    }

    private static func signal(_ pid: pid_t, _ signal: Int32) -> Int32 {
        #if canImport(Glibc)
            Glibc.kill(pid, signal)
        #elseif canImport(Musl)
            Musl.kill(pid, signal)
        #else
            Darwin.kill(pid, signal)
        #endif
    }

    /// Where the system has no `/proc` there are none: the server's processes then end by themselves when they miss the postmaster.
    private static func children(of parent: pid_t) -> [pid_t] {
        let names = (try? FileManager.default.contentsOfDirectory(atPath: "/proc")) ?? []
        return names.compactMap { pid_t($0) }.filter { state(of: $0)?.parent == parent }
    }

    /// The fields of `/proc/<pid>/stat` (proc(5)) after the program's name, which may itself hold any character.
    private static func state(of pid: pid_t) -> (state: Substring, parent: pid_t)? {
        guard let text = try? String(contentsOfFile: "/proc/\(pid)/stat", encoding: .utf8),
            let end = text.lastIndex(of: ")")
        else { return nil }
        let fields = text[text.index(after: end)...].split(separator: " ")
        guard fields.count > 1, let parent = pid_t(fields[1]) else { return nil }
        return (fields[0], parent)
    }
}
