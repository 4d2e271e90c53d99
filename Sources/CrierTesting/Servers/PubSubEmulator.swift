public import Foundation
import StrictJSON

/// Google's emulator of Cloud Pub/Sub, of a test's own, on 127.0.0.1. It keeps everything in memory, and nothing across a restart.
///
/// Ends with the last reference to it, by SIGKILL.
public final class PubSubEmulator: RestartableServer {
    public let port: Int
    public let directory: URL
    public let process: ServerProcess

    /// Whether the emulator and a Java to run it are on this machine. The emulator is not Debian's but Google's (package
    /// google-cloud-cli-pubsub-emulator), so tests on it are skipped where it is not, and only there.
    public static let isInstalled = jar != nil && java != nil

    /// What tests that are skipped say.
    public static let absence =
        "Google's Pub/Sub emulator (google-cloud-cli-pubsub-emulator) or java is not installed"

    /// Starts an emulator without topics and waits until it answers.
    ///
    /// - Parameter port: `nil` takes a free one.
    /// - Throws: `ServerProcess.Failure` where it is not installed or does not start, ``Overdue`` where it does not answer.
    public static func start(port: Int? = nil) async throws -> PubSubEmulator {
        let emulator = try PubSubEmulator(port: port ?? ServerProcess.freePort())
        try await emulator.awaitAnswer()
        return emulator
    }

    private init(port: Int) throws {
        guard let jar = Self.jar, let java = Self.java else { throw ServerProcess.Failure(Self.absence) }
        self.port = port
        directory = FileManager.default.temporaryDirectory.appending(path: "pubsub-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: directory, withIntermediateDirectories: true)
        // Without shared performance counters and with a temporary folder of its own it leaves nothing behind when it is killed.
        let arguments = [
            "-Xmx\(Self.heapMegabytes)m", "-XX:MaxDirectMemorySize=\(Self.bufferMegabytes)m", "-XX:+UseSerialGC",
            "-XX:-UsePerfData",
            "-Djava.io.tmpdir=\(directory.path)", "-jar", jar, "--host=127.0.0.1", "--port=\(port)",
        ]
        process = try ServerProcess(java, arguments, in: directory, log: directory.appending(path: "server.log"))
    }

    deinit { try? FileManager.default.removeItem(at: directory) }

    /// `127.0.0.1:port`, as `PUBSUB_EMULATOR_HOST` has it.
    public var host: String { "127.0.0.1:\(port)" }

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
    public func awaitAnswer() async throws {
        try await eventually("an answer of the Pub/Sub emulator", of: process) {
            let words = process.written
            if words.contains("Exception in thread \"main\"") {
                throw ServerProcess.Failure("the Pub/Sub emulator did not start", output: words)
            }
            guard words.contains("Server started, listening on \(port)") else { return false }
            return (try? await get("/v1/projects/crier/topics"))?.status == 200
        }
    }

    private func get(_ target: String) async throws -> HTTPReply {
        try await LoopbackHTTP.request("GET", target, port: port, within: .seconds(5))
    }

    /// Ten thousand alerts of 4 KB to four subscriptions fit in with room to spare.
    private static let heapMegabytes = 256
    /// It leaks buffers outside its heap, some 70 KB an alert of 4 KB to four subscriptions, and answers nothing any more once they are used up.
    private static let bufferMegabytes = 2_048

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
