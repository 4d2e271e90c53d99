public import Foundation
import NIOConcurrencyHelpers
import StrictJSON

/// Google's emulator of Cloud Pub/Sub, of a test's own, on 127.0.0.1. It keeps everything in memory, and nothing across a restart.
///
/// Ends with the last reference to it, by SIGKILL.
public final class PubSubEmulator: Sendable {
    public let port: Int
    /// Where the emulator's log and its temporary files are.
    public let directory: URL
    private let java: String
    private let arguments: [String]
    private let current: NIOLockedValueBox<ServerProcess>

    /// Whether the emulator and a Java to run it are on this machine. The emulator is not Debian's but Google's (package
    /// google-cloud-cli-pubsub-emulator), so tests on it are skipped where it is not, and only there.
    public static let isInstalled = jar != nil && java != nil

    /// What tests that are skipped say.
    public static let absence =
        "Google's Pub/Sub emulator (google-cloud-cli-pubsub-emulator) or java is not installed"

    /// Starts an emulator without topics and waits until it answers.
    ///
    /// - Parameter port: `nil` takes a free one.
    /// - Throws: `ServerProcess.Failure` where it is not installed or does not answer.
    public static func start(port: Int? = nil) async throws -> PubSubEmulator {
        let emulator = try PubSubEmulator(port: port ?? ServerProcess.freePort())
        try await emulator.awaitAnswer()
        return emulator
    }

    private init(port: Int) throws {
        guard let jar = Self.jar, let java = Self.java else { throw ServerProcess.Failure(Self.absence) }
        self.port = port
        self.java = java
        directory = FileManager.default.temporaryDirectory.appending(path: "pubsub-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: directory, withIntermediateDirectories: true)
        // Without shared performance counters and with a temporary folder of its own it leaves nothing behind when it is killed.
        arguments = [
            "-Xmx\(Self.heapMegabytes)m", "-XX:+UseSerialGC", "-XX:-UsePerfData",
            "-Djava.io.tmpdir=\(directory.path)", "-jar", jar, "--host=127.0.0.1", "--port=\(port)",
        ]
        current = NIOLockedValueBox(try Self.launch(java, arguments, in: directory))
    }

    deinit { try? FileManager.default.removeItem(at: directory) }

    private static func launch(_ java: String, _ arguments: [String], in directory: URL) throws -> ServerProcess {
        let log = directory.appending(path: "server.log")
        // What a run before this one wrote says nothing of it.
        try? FileManager.default.removeItem(at: log)
        return try ServerProcess(java, arguments, in: directory, log: log)
    }

    /// The running process, or the last one.
    public var process: ServerProcess { current.withLockedValue { $0 } }

    /// `127.0.0.1:port`, as `PUBSUB_EMULATOR_HOST` has it.
    public var host: String { "127.0.0.1:\(port)" }

    /// Sends SIGKILL and waits for the end. Topics, subscriptions and messages are gone with it.
    public func kill() async throws { try await process.endByKill() }

    /// Starts the emulator again on the same port, empty, and waits until it answers.
    public func restart() async throws {
        let process = try Self.launch(java, arguments, in: directory)
        current.withLockedValue { $0 = process }
        try await awaitAnswer()
    }

    /// `kill`, then `restart`.
    public func killAndRestart() async throws {
        try await kill()
        try await restart()
    }

    /// Ends the emulator and removes its directory. Repeating it has no effect.
    public func stop() async throws {
        try await kill()
        try? FileManager.default.removeItem(at: directory)
    }

    /// The ids of a project's subscriptions, such as `ID_vm-1`.
    ///
    /// - Throws: where the emulator does not answer, or answers something else.
    public func subscriptions(of project: String) async throws -> [String] {
        let reply = try await get("/v1/projects/\(project)/subscriptions?pageSize=1000")
        guard reply.status == 200 else { throw HTTPReply.Malformed(bytes: reply.body) }
        return try reply.object()["subscriptions"]?.arrayValue?.compactMap { subscription in
            subscription.objectValue?["name"]?.stringValue?.split(separator: "/").last.map(String.init)
        } ?? []
    }

    /// Its word comes first: where its port is taken somebody else answers, and its process goes on without a server.
    private func awaitAnswer() async throws {
        let process = process
        try await ServerProcess.eventually("an answer of the Pub/Sub emulator", within: .seconds(60), of: process) {
            let words = try String(contentsOf: process.log, encoding: .utf8)
            if words.contains("Exception in thread \"main\"") {
                throw ServerProcess.Failure("the Pub/Sub emulator did not start", output: words)
            }
            guard words.contains("Server started, listening on \(port)") else { return false }
            return (try? await get("/v1/projects/crier/topics"))?.status == 200
        }
    }

    private func get(_ target: String) async throws -> HTTPReply {
        let connection = try await RawConnection.connect(port: port)
        do {
            try await connection.send("GET \(target) HTTP/1.1\r\nHost: \(host)\r\n\r\n")
            let bytes = try await connection.read(within: .seconds(5)) { bytes in
                var bytes = bytes[...]
                return HTTPReply(reading: &bytes) != nil
            }
            try await connection.close()
            var rest = bytes[...]
            guard let reply = HTTPReply(reading: &rest) else { throw HTTPReply.Malformed(bytes: bytes) }
            return reply
        } catch {
            try? await connection.close()
            throw error
        }
    }

    /// Ten thousand alerts of 4 KB to four subscriptions fit in with room to spare.
    private static let heapMegabytes = 256

    private static let java = try? ServerProcess.find("java")

    private static let jar: String? = {
        let folder = "/usr/lib/google-cloud-sdk/platform/pubsub-emulator/lib"
        let names = (try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []
        // Names carry a version; the last is the newest, or as good as another.
        return names.filter { $0.hasPrefix("cloud-pubsub-emulator-") && $0.hasSuffix(".jar") }.max().map {
            "\(folder)/\($0)"
        }
    }()
}
