import CrierTesting
import MessageBus
import NIOConcurrencyHelpers
import StrictJSON
import Testing

@testable import Gateway

@Suite struct BusTests {
    private static func with(
        _ configuration: ServerConfiguration = .forTests(), hasPlaces: Bool = true,
        _ body: @escaping @Sendable (RunningServer, MoodyBus) async throws -> Void
    ) async throws {
        let moody = NIOLockedValueBox<MoodyBus?>(nil)
        let wrap: (InProcessBus) -> any MessageBus = { bus in
            let made = MoodyBus(bus)
            made.setPlaces(hasPlaces)
            moody.withLockedValue { $0 = made }
            return made
        }
        let found: @Sendable () -> MoodyBus? = { moody.withLockedValue { $0 } }
        try await RunningServer.with(configuration, through: wrap, awaitsReadiness: hasPlaces) { server in
            try await body(server, try #require(found()))
        }
    }

    @Test("while the bus is away publishing is answered with 503 and when to try again")
    func away() async throws {
        try await Self.with { server, bus in
            bus.setAway(true)
            let reply = try await server.request("POST", "/a", headers: [("Idempotency-Key", "k")], body: "x")
            #expect(reply.status == 503)
            #expect(reply.code == 50301)
            #expect(reply.header("retry-after") == "3")
            let socket = try await server.duplex()
            let error = try await socket.ask(#"{"op":"publish","ref":"r","topic":"a","key":"k"}"#)
            #expect(error.int("code") == 50301)
            #expect(error.int("retry_after") == 3)
            #expect(error.string("ref") == "r")
            bus.setAway(false)
            #expect(try await socket.ask(#"{"op":"publish","ref":"r","topic":"a","key":"k"}"#)["duplicate"] == nil)
            #expect(try await server.poll("/a/json?poll=1").count == 1)
            try await socket.leave()
        }
    }

    @Test("readers are told when the bus is lost and found, and readiness follows")
    func stale() async throws {
        try await Self.with { server, bus in
            let stream = try await TestStream.open(port: server.port, "/a/json")
            #expect(try await stream.nextObject()?.event == "open")
            bus.say(.away)
            try await server.raise("other", "wakes the subscription")
            #expect(try await stream.nextObject()?.event == "stale")
            let unready = try await server.request("GET", "/ready")
            #expect(unready.status == 503)
            #expect(try unready.object().string("status") == "bus away")
            bus.say(.back)
            try await server.raise("other", "wakes the subscription")
            #expect(try await stream.nextObject()?.event == "live")
            #expect(try await server.request("GET", "/ready").status == 200)
            let raised = try await server.raise("a", "x")
            #expect(try await stream.nextObject() == raised)
            await stream.close()
        }
    }

    @Test(
        "readers of a server that has no place on the bus yet are told, and begin where the log stands once it has one")
    func beginning() async throws {
        try await Self.with(hasPlaces: false) { server, bus in
            let first = try await server.raise("a", "before anyone came")
            let stream = try await TestStream.open(port: server.port, "/a/json")
            let socket = try await server.socket("/a/ws")
            let duplex = try await server.socket()
            let cursor = try #require(first.string("id"))
            let back = try await TestStream.open(port: server.port, "/a/json?since=\(cursor)")
            // The rest of what it is told depends on whether it came before the server found out or after.
            for reader in [stream, back] { #expect(try await reader.nextObject()?.event == "stale") }
            for reader in [socket, duplex] { #expect(try await reader.nextObject().event == "stale") }
            try await duplex.send(text: #"{"op":"subscribe","ref":"s","topics":["a"]}"#)
            #expect(try await server.poll("/a/json?poll=1&since=all").isEmpty)
            let second = try await server.raise("a", "when the readers were there")
            bus.setPlaces(true)
            try await server.becomeReady()
            let last = try await server.raise("a", "now")
            for (reader, expected) in [(stream, [last]), (back, [second, last])] {
                #expect(try await reader.nextObject()?.event == "live")
                #expect(try await reader.nextObject()?.event == "open")
                for alert in expected { #expect(try await reader.nextObject() == alert) }
                await reader.close()
            }
            #expect(try await socket.nextObject().event == "live")
            #expect(try await socket.nextObject().event == "open")
            #expect(try await socket.nextObject() == last)
            for event in ["live", "open", "ack"] { #expect(try await duplex.nextObject().event == event) }
            #expect(try await duplex.nextObject() == last)
            try await socket.leave()
            try await duplex.leave()
        }
    }

    @Test("a loss that the bus reports becomes a reset, and the feed goes on after it")
    func lost() async throws {
        try await Self.with { server, bus in
            let id = try #require(try await server.raise("a", "1").string("id"))
            let position = try #require(Position(id: id))
            let socket = try await server.socket("/a/ws")
            #expect(try await socket.nextObject().event == "open")
            let resumesAfter = Position(epoch: position.epoch, offset: position.offset + 1)
            bus.say(.lost(Loss(cause: .lost, resumesAfter: resumesAfter)))
            try await server.raise("other", "wakes the subscription")
            let reset = try await socket.nextObject()
            #expect(reset.string("reason") == "lost")
            #expect(reset.string("id") == resumesAfter.id)
            let raised = try await server.raise("a", "2")
            #expect(try await socket.nextObject() == raised)
            try await socket.leave()
        }
    }

    @Test("a socket has at most 1024 publishes unanswered, and the next is told to wait")
    func pending() async throws {
        try await Self.with { server, bus in
            bus.hold()
            defer { bus.release() }
            let socket = try await server.duplex()
            for index in 0..<1025 {
                try await socket.send(text: #"{"op":"publish","ref":"\#(index)","topic":"a"}"#)
            }
            let error = try await socket.nextObject()
            #expect(error.int("code") == 42904)
            #expect(error.string("ref") == "1024")
            #expect(error.int("retry_after") == 1)
            bus.release()
            for index in 0..<1024 { #expect(try await socket.nextObject().string("ref") == "\(index)") }
            #expect(try await socket.ask(#"{"op":"publish","ref":"r","topic":"a"}"#).event == "ack")
            try await socket.leave()
        }
    }

    @Test("a server that leaves answers the publishes that are under way before it is gone")
    func inFlight() async throws {
        for _ in 0..<5 {
            try await Self.with { server, bus in
                bus.hold()
                defer { bus.release() }
                var connections: [RawConnection] = []
                for index in 0..<10 {
                    let connection = try await RawConnection.connect(port: server.port)
                    try await connection.send(
                        "POST /a HTTP/1.1\r\nHost: h\r\nContent-Length: 2\r\n\r\n\(10 + index)")
                    connections.append(connection)
                }
                // One batch is held up; the rest is in the queue behind it or on its way there.
                while bus.waiting == 0 { _ = try await server.request("GET", "/health") }
                server.leave()
                await #expect(throws: Overdue.self) { try await server.end(within: .milliseconds(100)) }
                bus.release()
                var statuses: [String] = []
                for connection in connections {
                    let answer = String(decoding: try await connection.readToEnd(), as: UTF8.self)
                    statuses.append(String(answer.prefix(12)))
                    try await connection.close()
                }
                try await server.end()
                // A connection that the server had not read from yet may end without an answer: nothing of it was taken in.
                #expect(statuses.allSatisfy { ["HTTP/1.1 200", "HTTP/1.1 503", ""].contains($0) }, "\(statuses)")
                #expect(statuses.contains("HTTP/1.1 200"))
                let reader = try #require(VMIdentity(id: "reader", region: "syd", boot: "b"))
                let log = try await server.bus.subscribe(reader, tail: 100)
                guard case .alerts(let alerts)? = try await log.next(limit: 100) else {
                    Issue.record("nothing in the log")
                    return
                }
                #expect(alerts.count == statuses.filter { $0 == "HTTP/1.1 200" }.count)
            }
        }
    }
}
