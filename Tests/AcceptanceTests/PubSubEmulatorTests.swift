import CrierTesting
import Foundation
import Testing

@Suite(.enabled(if: PubSubEmulator.isInstalled, "\(PubSubEmulator.absence)"))
struct PubSubEmulatorTests {
    private func put(_ path: String, _ body: String, on emulator: PubSubEmulator) async throws -> Int {
        let connection = try await RawConnection.connect(port: emulator.port)
        try await connection.send(
            "PUT /v1/projects/test/\(path) HTTP/1.1\r\nHost: \(emulator.host)\r\nContent-Type: application/json\r\nContent-Length: \(body.utf8.count)\r\n\r\n\(body)"
        )
        let bytes = try await connection.read(within: .seconds(10)) { bytes in
            var bytes = bytes[...]
            return HTTPReply(reading: &bytes) != nil
        }
        try await connection.close()
        var rest = bytes[...]
        return try #require(HTTPReply(reading: &rest)).status
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
