import CrierTesting
import StrictJSON
import Testing
import WebSocketTransport

@testable import Gateway

@Suite struct SlowReaderTests {
    private static let text = String(repeating: "x", count: 40_000)

    private static let configuration = ServerConfiguration.forTests {
        $0.maximumPending = 65_536
        $0.maximumText = 50_000
    }

    /// Not so many readers were ended, however many alerts were raised.
    private struct TooPatient: Error { let count: Int }

    /// Raises large alerts until so many readers were ended for being slow.
    ///
    /// - Returns: how many alerts that took.
    private static func raise(_ server: RunningServer, untilSlow count: Int) async throws -> Int {
        for sent in 0..<600 {
            let metrics = try await server.request("GET", "/metrics").text
            if metrics.contains("\ncrier_slow_closes_total \(count)\n") { return sent }
            try await server.raise("a", "\(sent) \(text)")
        }
        throw TooPatient(count: count)
    }

    @Test("a WebSocket reader that stops reading is closed with 4008 and resumes without a loss")
    func webSocket() async throws {
        try await RunningServer.with(Self.configuration) { server in
            let slow = try await server.socket("/a/ws")
            var cursor = try await slow.nextObject().string("id") ?? ""
            try await slow.setReading(false)
            let sent = try await Self.raise(server, untilSlow: 1)
            try await slow.setReading(true)
            var got = 0
            var event = try await slow.next()
            while case .text(let frame) = event {
                let object = try #require(try JSONValue.parse(frame).objectValue)
                cursor = object.string("id") ?? cursor
                if object.event == "message" { got += 1 }
                event = try await slow.next()
            }
            guard case .closed(let code, _) = event else {
                Issue.record("not closed: \(event)")
                return
            }
            #expect(code == .slowReader)
            #expect(got < sent)
            #expect(try await server.poll("/a/json?poll=1&since=\(cursor)").count == sent - got)
        }
    }

    @Test("a stream that is not read ends, while other readers get everything")
    func stream() async throws {
        try await RunningServer.with(Self.configuration) { server in
            let quick = try await TestStream.open(port: server.port, "/a/json")
            #expect(try await quick.nextObject()?.event == "open")
            let slow = try await TestStream.open(port: server.port, "/a/json", receiveBuffer: 8192)
            #expect(try await slow.nextObject()?.event == "open")
            try await slow.connection.setReading(false)
            let sent = try await Self.raise(server, untilSlow: 1)
            for index in 0..<sent {
                #expect(try await quick.nextObject()?.string("message")?.hasPrefix("\(index) ") == true)
            }
            try await slow.connection.setReading(true)
            var got = 0
            while let line = try await slow.nextLine(), let object = (try? JSONValue.parse(line))?.objectValue {
                if object.event == "message" { got += 1 }
            }
            #expect(got < sent)
            await quick.close()
            await slow.close()
            try await server.stillWorks()
        }
    }
}
