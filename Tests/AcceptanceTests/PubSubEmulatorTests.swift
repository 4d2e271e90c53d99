import CrierTesting
import Foundation
import Testing

@Suite(.enabled(if: PubSubEmulator.isInstalled, "\(PubSubEmulator.absence)"))
struct PubSubEmulatorTests {
    private func put(_ path: String, _ body: String, on emulator: PubSubEmulator) async throws -> Int {
        try await LoopbackHTTP.request(
            "PUT", "/v1/projects/test/\(path)", port: emulator.port, headers: [("Content-Type", "application/json")],
            body: body
        ).status
    }

    @Test("it tells its subscriptions, forgets them when it is killed, and leaves nothing behind")
    func life() async throws {
        let emulator = try await PubSubEmulator.start()
        #expect(try await emulator.subscriptions(of: "test").isEmpty)
        #expect(try await put("topics/some", "{}", on: emulator) == 200)
        #expect(try await put("subscriptions/ID_a", #"{"topic":"projects/test/topics/some"}"#, on: emulator) == 200)
        #expect(try await emulator.subscriptions(of: "test") == ["ID_a"])
        #expect(try await emulator.subscriptions(of: "other").isEmpty)

        let port = emulator.port
        let first = emulator.process.pid
        try await emulator.killAndRestart()
        #expect(emulator.port == port)
        #expect(emulator.process.pid != first)
        #expect(try await emulator.subscriptions(of: "test").isEmpty)

        try await emulator.stop()
        #expect(!emulator.process.isRunning)
        #expect(!FileManager.default.fileExists(atPath: emulator.directory.path))
        await #expect(throws: (any Error).self) { try await RawConnection.connect(port: port) }
    }

    @Test("where its port is taken it fails, with what it wrote")
    func portTaken() async throws {
        let emulator = try await PubSubEmulator.start()
        let failure = await #expect(throws: ServerProcess.Failure.self) {
            try await PubSubEmulator.start(port: emulator.port)
        }
        #expect(failure?.description.contains("Address already in use") == true)
        try await emulator.stop()
    }
}
