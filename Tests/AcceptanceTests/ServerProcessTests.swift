import CrierTesting
import Foundation
import Testing

@Suite struct ServerProcessTests {
    private func withShell(_ script: String, _ body: (ServerProcess) async throws -> Void) async throws {
        let log = FileManager.default.temporaryDirectory.appending(path: "process-\(UUID().uuidString).log")
        defer { try? FileManager.default.removeItem(at: log) }
        try await body(try ServerProcess("/bin/sh", ["-c", script], log: log))
    }

    @Test("what is started again has a process of its own, and its words are told apart from those before")
    func restart() async throws {
        try await withShell("echo $$; exec sleep 600") { process in
            let first = process.pid
            try await eventually("its words", of: process) { process.written == "\(first)\n" }
            #expect(throws: ServerProcess.Failure.self) { try process.restart() }
            try await process.endByKill()
            #expect(process.exitStatus == 9)
            try process.restart()
            #expect(process.isRunning && process.pid != first)
            try await eventually("its words", of: process) { process.written == "\(process.pid)\n" }
            #expect(try String(contentsOf: process.log, encoding: .utf8) == "\(first)\n\(process.pid)\n")
            try await process.endByKill()
        }
    }

    @Test("a process that ends in place of what is awaited is a failure at once, with its last words")
    func earlyEnd() async throws {
        try await withShell("echo no; exit 3") { (process) async throws in
            let failure = await #expect(throws: ServerProcess.Failure.self) {
                try await eventually("an answer", of: process) { false }
            }
            #expect(failure?.description == "the process ended before an answer; it wrote:\nno")
            #expect(try await process.end() == 3)
        }
    }
}
