import CrierTesting
import MessageBus
import StrictJSON
import Testing
import WebSocketTransport

@testable import Gateway

@Suite struct DrainTests {
    @Test("readers are told to leave and closed with 1012, and run comes back")
    func readers() async throws {
        try await RunningServer.with(.forTests { $0.drainSeconds = 1 }) { server in
            let duplex = try await server.duplex()
            let socket = try await server.socket("/a/ws")
            #expect(try await socket.nextObject().event == "open")
            let stream = try await TestStream.open(port: server.port, "/a/sse")
            #expect(try await stream.nextEvent()?.name == "open")
            server.leave()
            for socket in [duplex, socket] {
                let drain = try await socket.nextObject()
                #expect(drain.event == "drain")
                #expect((0..<1000).contains(drain.int("retry_ms") ?? -1))
                #expect(try await socket.nextClose() == .serviceRestart)
            }
            var event = try await stream.nextEvent()
            while event?.name == "keepalive" { event = try await stream.nextEvent() }
            #expect(event?.name == "drain")
            #expect(event?.retry != nil)
            #expect(event?.id == nil)
            #expect(try await stream.nextEvent() == nil)
            await stream.close()
            try await server.end()
            #expect(try await server.bus.vms().isEmpty)
        }
    }

    @Test("a connection that stays open sees that the server is leaving and refuses publishes")
    func keepAlive() async throws {
        try await RunningServer.with(.forTests()) { server in
            var connections: [RawConnection] = []
            for _ in 0..<3 {
                let connection = try await RawConnection.connect(port: server.port)
                try await connection.send("GET /health HTTP/1.1\r\nHost: h\r\n\r\n")
                _ = try await connection.read { $0.firstRange(of: Array("ok".utf8)) != nil }
                connections.append(connection)
            }
            // One that does not read the close frame keeps the drain from being over.
            let prompt = try await server.duplex()
            let stuck = try await server.duplex()
            try await stuck.setReading(false)
            server.leave()
            #expect(try await prompt.nextClose() == .serviceRestart)
            for (connection, request) in zip(
                connections,
                [
                    "GET /ready HTTP/1.1\r\nHost: h\r\n\r\n",
                    "POST /a HTTP/1.1\r\nHost: h\r\nContent-Length: 1\r\n\r\nx",
                    "GET /a/sse HTTP/1.1\r\nHost: h\r\n\r\n",
                ])
            {
                try await connection.send(request)
                let answer = String(decoding: try await connection.readToEnd(), as: UTF8.self)
                #expect(answer.hasPrefix("HTTP/1.1 503 "), "\(request) \(answer)")
                try await connection.close()
            }
            try await stuck.leave()
            try await server.end()
        }
    }

    @Test("a socket is closed after the answers to the publishes that were taken from it")
    func inFlight() async throws {
        for _ in 0..<5 {
            try await RunningServer.with(.forTests()) { server in
                let socket = try await server.duplex()
                for index in 0..<100 {
                    try await socket.send(text: #"{"op":"publish","ref":"\#(index)","topic":"a"}"#)
                }
                // The first answer shows that the rest is on its way.
                #expect(try await socket.nextObject().event == "ack")
                server.leave()
                var acknowledged = 1
                var event = try await socket.next()
                while case .text(let text) = event {
                    if try JSONValue.parse(text).objectValue?.event == "ack" { acknowledged += 1 }
                    event = try await socket.next()
                }
                guard case .closed(.serviceRestart?, _) = event else {
                    Issue.record("ended with \(event)")
                    return
                }
                try await server.end()
                let reader = try #require(VMIdentity(id: "reader", region: "syd", boot: "b"))
                let log = try await server.bus.subscribe(reader, tail: 100)
                guard case .alerts(let alerts)? = try await log.next(limit: 100) else {
                    Issue.record("nothing in the log")
                    return
                }
                #expect(alerts.count == acknowledged)
            }
        }
    }

    @Test("without readers the server is gone at once")
    func empty() async throws {
        try await RunningServer.with(.forTests { $0.drainSeconds = 3600 }) { server in
            server.leave()
            try await server.end()
        }
    }

    @Test("a delayed alert that waits does not hold the server up")
    func delayed() async throws {
        try await RunningServer.with(.forTests()) { server in
            try await server.raise("a", "x", headers: [("Delay", "1h")])
            server.leave()
            try await server.end()
        }
    }
}
