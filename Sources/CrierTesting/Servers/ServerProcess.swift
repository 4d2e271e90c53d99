public import Foundation

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
    /// A process that could not be started, or did not do in time what was awaited; with the end of what it wrote.
    public struct Failure: Error, Sendable, CustomStringConvertible {
        public let description: String

        public init(_ what: String, output: String = "") {
            description = output.isEmpty ? what : "\(what); it wrote:\n\(output)"
        }
    }

    public let pid: pid_t
    /// Where standard output and standard error go.
    public let log: URL
    private let process: Process

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
        if !FileManager.default.fileExists(atPath: log.path) {
            _ = FileManager.default.createFile(atPath: log.path, contents: nil)
        }
        let output = try FileHandle(forWritingTo: log)
        defer { try? output.close() }
        try output.seekToEnd()
        process = Process()
        process.executableURL = URL(fileURLWithPath: executable)
        process.arguments = arguments
        if let environment { process.environment = environment }
        if let directory { process.currentDirectoryURL = directory }
        process.standardInput = FileHandle.nullDevice
        process.standardOutput = output
        process.standardError = output
        self.log = log
        do { try process.run() } catch { throw Failure("cannot start \(executable): \(error)") }
        pid = process.processIdentifier
    }

    deinit { if process.isRunning { kill(pid, SIGKILL) } }

    public var isRunning: Bool { process.isRunning }

    /// The exit status, or the number of the signal that ended it; `nil` while it runs.
    public var exitStatus: Int32? { process.isRunning ? nil : process.terminationStatus }

    /// Sends a signal, such as `SIGKILL` or `SIGSTOP`, to the process. Has no effect once it has ended.
    public func send(_ signal: Int32) { if process.isRunning { kill(pid, signal) } }

    /// Waits until the process has ended.
    ///
    /// - Returns: its exit status.
    /// - Throws: ``Failure`` where it goes on after the bound.
    @discardableResult
    public func end(within bound: Duration = .patience) async throws -> Int32 {
        try await Self.eventually(
            "the end of \(process.executableURL?.lastPathComponent ?? "")", within: bound, of: self
        ) {
            !self.process.isRunning
        }
        return process.terminationStatus
    }

    /// Sends SIGKILL and waits for the end.
    public func endByKill() async throws {
        send(SIGKILL)
        try await end()
    }

    /// The last lines of what the process wrote.
    public var output: String {
        let text = (try? String(contentsOf: log, encoding: .utf8)) ?? ""
        return text.split(separator: "\n").suffix(30).joined(separator: "\n")
    }

    /// Waits until a condition holds, looking again every 20 ms.
    ///
    /// - Parameter process: whose end, before the condition holds, is a failure at once, and whose output goes into failures.
    /// - Throws: ``Failure`` where it does not hold within the bound.
    public static func eventually(
        _ awaited: String, within bound: Duration = .patience, of process: ServerProcess? = nil,
        _ holds: () async throws -> Bool
    ) async throws {
        let deadline = ContinuousClock.now + bound
        while true {
            if try await holds() { return }
            if let process, !process.isRunning {
                throw Failure("the process ended before \(awaited)", output: process.output)
            }
            guard ContinuousClock.now < deadline else {
                throw Failure("\(awaited) did not come within \(bound)", output: process?.output ?? "")
            }
            try await ContinuousClock().sleep(for: .milliseconds(20))
        }
    }

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
