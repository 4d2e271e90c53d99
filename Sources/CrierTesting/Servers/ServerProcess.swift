public import Foundation
import NIOConcurrencyHelpers

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// A process that a test started: a server of its own on loopback, with its output in a file.
///
/// Ends with the last reference to it, by SIGKILL, so that a test that fails leaves nothing behind.
public final class ServerProcess: Sendable {
    /// A process that could not be started, or ended before what was awaited; with the end of what it wrote.
    public struct Failure: Error, Sendable, CustomStringConvertible {
        public let description: String

        public init(_ what: String, output: String = "") {
            description = output.isEmpty ? what : "\(what); it wrote:\n\(output)"
        }
    }

    /// What is started, each time anew.
    private struct Command: Sendable {
        let executable: URL
        let arguments: [String]
        let environment: [String: String]?
        let directory: URL?
    }

    /// The program from one start to its end.
    private struct Run: Sendable {
        let process: Process
        /// Where in the log its words begin.
        let logStart: UInt64
    }

    /// Where standard output and standard error go.
    public let log: URL
    private let command: Command
    private let current: NIOLockedValueBox<Run>

    /// Starts a program.
    ///
    /// - Parameters:
    ///   - environment: replaces the whole environment; `nil` inherits it.
    ///   - log: is appended to.
    /// - Throws: ``Failure`` where the program is not there.
    public init(
        _ executable: String, _ arguments: [String], environment: [String: String]? = nil, in directory: URL? = nil,
        log: URL
    ) throws {
        self.log = log
        command = Command(
            executable: URL(fileURLWithPath: executable), arguments: arguments, environment: environment,
            directory: directory)
        current = NIOLockedValueBox(try Self.start(command, log: log))
    }

    deinit { send(SIGKILL) }

    private static func start(_ command: Command, log: URL) throws -> Run {
        if !FileManager.default.fileExists(atPath: log.path) {
            _ = FileManager.default.createFile(atPath: log.path, contents: nil)
        }
        let output = try FileHandle(forWritingTo: log)
        defer { try? output.close() }
        let logStart = try output.seekToEnd()
        let process = Process()
        process.executableURL = command.executable
        process.arguments = command.arguments
        if let environment = command.environment { process.environment = environment }
        if let directory = command.directory { process.currentDirectoryURL = directory }
        process.standardInput = FileHandle.nullDevice
        process.standardOutput = output
        process.standardError = output
        do { try process.run() } catch { throw Failure("cannot start \(command.executable.path): \(error)") }
        return Run(process: process, logStart: logStart)
    }

    /// Starts the program, which has ended, once more with the same arguments, environment, directory and log. What is said of the process is
    /// then of the new one.
    ///
    /// - Throws: ``Failure`` where the program still runs, or is not there any more.
    public func restart() throws {
        try current.withLockedValue { run in
            guard !run.process.isRunning else { throw Failure("\(name) still runs") }
            run = try Self.start(command, log: log)
        }
    }

    private var name: String { command.executable.lastPathComponent }
    private var run: Run { current.withLockedValue { $0 } }

    public var pid: pid_t { run.process.processIdentifier }

    public var isRunning: Bool { run.process.isRunning }

    /// The exit status, or the number of the signal that ended it; `nil` while it runs.
    public var exitStatus: Int32? {
        let process = run.process
        return process.isRunning ? nil : process.terminationStatus
    }

    /// Sends a signal, such as `SIGKILL` or `SIGSTOP`, to the process. Has no effect once it has ended.
    public func send(_ signal: Int32) {
        let process = run.process
        if process.isRunning { kill(process.processIdentifier, signal) }
    }

    /// Waits until the process has ended.
    ///
    /// - Returns: its exit status.
    /// - Throws: ``Overdue`` where it goes on after the bound.
    @discardableResult
    public func end(within bound: Duration = .patience) async throws -> Int32 {
        let process = run.process
        try await eventually("the end of \(name)", within: bound, of: self) { !process.isRunning }
        return process.terminationStatus
    }

    /// Sends SIGKILL and waits for the end.
    public func endByKill() async throws {
        send(SIGKILL)
        try await end()
    }

    /// What the process wrote since it was started.
    public var written: String {
        guard let file = try? FileHandle(forReadingFrom: log) else { return "" }
        defer { try? file.close() }
        guard (try? file.seek(toOffset: run.logStart)) != nil, let bytes = try? file.readToEnd() else { return "" }
        return String(decoding: bytes, as: UTF8.self)
    }

    /// The last lines of that.
    public var output: String { written.split(separator: "\n").suffix(30).joined(separator: "\n") }

    /// The first of the names that is an executable file in the search path or one of the folders.
    ///
    /// - Throws: ``Failure`` where there is none: a test that needs the program fails, it is not skipped.
    public static func find(_ name: String, alsoIn folders: [String] = []) throws -> String {
        let path = ProcessInfo.processInfo.environment["PATH"] ?? "/usr/bin:/bin"
        for folder in path.split(separator: ":").map(String.init) + folders {
            let candidate = folder + "/" + name
            if FileManager.default.isExecutableFile(atPath: candidate) { return candidate }
        }
        throw Failure("\(name) is not installed; scripts/install-packages.sh test installs it")
    }

    /// A TCP port on 127.0.0.1 that nobody listens on now.
    public static func freePort() throws -> Int {
        let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        guard descriptor >= 0 else { throw Failure("no socket: errno \(errno)") }
        defer { close(descriptor) }
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        let result = withUnsafeMutablePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { pointer in
                bind(descriptor, pointer, length) == 0 ? getsockname(descriptor, pointer, &length) : -1
            }
        }
        guard result == 0 else { throw Failure("no free port: errno \(errno)") }
        return Int(UInt16(bigEndian: address.sin_port))
    }
}
