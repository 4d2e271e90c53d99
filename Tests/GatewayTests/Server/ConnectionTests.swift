import CrierTesting
import StrictJSON
import Testing
import WebSocketTransport

@testable import Gateway

@Suite struct ConnectionTests {
    private static let upgrade = """
        GET /a/ws HTTP/1.1\r\nHost: h\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
        Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n
        """

    /// The next responses of a connection, in order.
    private static func replies(_ count: Int, on connection: RawConnection) async throws -> [HTTPReply] {
        @Sendable func parsed(_ bytes: [UInt8]) -> [HTTPReply] {
            var rest = bytes[...]
            var replies: [HTTPReply] = []
            while let reply = HTTPReply(reading: &rest) { replies.append(reply) }
            return replies
        }
        return parsed(try await connection.read { parsed($0).count >= count })
    }

    @Test("requests that are pipelined are answered in order")
    func pipelined() async throws {
        try await RunningServer.with(.forTests()) { server in
            let connection = try await RawConnection.connect(port: server.port)
            var text = ""
            for index in 0..<20 { text += "POST /a HTTP/1.1\r\nHost: h\r\nContent-Length: 2\r\n\r\n\(10 + index)" }
            try await connection.send(text)
            let replies = try await Self.replies(20, on: connection)
            #expect(try replies.map { try $0.object().string("message") } == (0..<20).map { "\(10 + $0)" })
            try await connection.close()
        }
    }

    @Test("bytes that come one by one are a request too")
    func slowly() async throws {
        try await RunningServer.with(.forTests()) { server in
            let connection = try await RawConnection.connect(port: server.port)
            for byte in Array("POST /a HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\n\r\nabc".utf8) {
                try await connection.send([byte])
            }
            #expect(try await Self.replies(1, on: connection).first?.object().string("message") == "abc")
            try await connection.close()
        }
    }

    @Test("a stream may be a later request of a connection")
    func laterStream() async throws {
        try await RunningServer.with(.forTests()) { server in
            let connection = try await RawConnection.connect(port: server.port)
            for _ in 0..<2 {
                try await connection.send("GET /health HTTP/1.1\r\nHost: h\r\n\r\n")
                #expect(try await Self.replies(1, on: connection).first?.status == 200)
            }
            let stream = try await TestStream.open(port: server.port, "/a/sse", on: connection)
            #expect(try await stream.nextEvent()?.name == "open")
            let raised = try await server.raise("a", "x")
            var event = try await stream.nextEvent()
            while event?.name == "keepalive" { event = try await stream.nextEvent() }
            #expect(event?.id == raised.string("id"))
            await stream.close()
            try await server.awaitSockets(0)
        }
    }

    @Test("a WebSocket may be a later request of a connection, with frames right behind it")
    func laterSocket() async throws {
        try await RunningServer.with(.forTests()) { server in
            let connection = try await RawConnection.connect(port: server.port)
            try await connection.send("POST /a HTTP/1.1\r\nHost: h\r\nContent-Length: 1\r\n\r\nx")
            #expect(try await Self.replies(1, on: connection).first?.status == 200)
            // A ping with the payload `hi` stands in the same segment as the handshake.
            try await connection.send(Array(Self.upgrade.utf8) + [0x89, 0x82, 0, 0, 0, 0, 0x68, 0x69])
            let pong: [UInt8] = [0x8A, 0x02, 0x68, 0x69]
            let answer = try await connection.read {
                $0.firstRange(of: pong) != nil && $0.firstRange(of: Array("open".utf8)) != nil
            }
            #expect(String(decoding: answer, as: UTF8.self).hasPrefix("HTTP/1.1 101 "))
            #expect(String(decoding: answer, as: UTF8.self).contains("s3pPLMBiTxaQ9kYGzzhZRbK+xOo="))
            try await server.raise("a", "live-one")
            _ = try await connection.read { $0.firstRange(of: Array("live-one".utf8)) != nil }
            try await connection.send([0x88, 0x80, 0, 0, 0, 0])
            _ = try await connection.readToEnd()
            try await connection.close()
            try await server.awaitSockets(0)
        }
    }

    @Test("a reading request behind an unanswered one is refused, not mixed up")
    func pipelinedReader() async throws {
        try await RunningServer.with(.forTests()) { server in
            let connection = try await RawConnection.connect(port: server.port)
            try await connection.send("GET /health HTTP/1.1\r\nHost: h\r\n\r\nGET /a/sse HTTP/1.1\r\nHost: h\r\n\r\n")
            let replies = try await Self.replies(2, on: connection)
            #expect(replies.map(\.status) == [200, 400])
            #expect(replies.last?.code == 40010)
            try await connection.close()
            try await server.stillWorks()
        }
    }

    @Test("Expect: 100-continue is answered before the body comes")
    func expectContinue() async throws {
        try await RunningServer.with(.forTests()) { server in
            let connection = try await RawConnection.connect(port: server.port)
            try await connection.send(
                "POST /a HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\nExpect: 100-continue\r\n\r\n")
            let first = try await connection.read { $0.firstRange(of: Array("\r\n\r\n".utf8)) != nil }
            #expect(String(decoding: first, as: UTF8.self) == "HTTP/1.1 100 Continue\r\n\r\n")
            try await connection.send("hello")
            #expect(try await Self.replies(1, on: connection).first?.object().string("message") == "hello")
            try await connection.close()
        }
    }

    @Test("a head that does not come in time is answered with 408, and holds nobody up")
    func slowHead() async throws {
        try await RunningServer.with(.forTests()) { server in
            let silent = try await RawConnection.connect(port: server.port)
            let half = try await RawConnection.connect(port: server.port)
            try await half.send("POST /a HTTP/1.1\r\nHost: h\r\nX-Slow: ")
            try await server.stillWorks()
            for connection in [silent, half] {
                let answer = String(decoding: try await connection.readToEnd(), as: UTF8.self)
                #expect(answer.hasPrefix("HTTP/1.1 408 "))
                #expect(answer.contains(#""code":40801"#))
                try await connection.close()
            }
        }
    }

    @Test("a client that ends its side still gets the answer to its request")
    func halfClosed() async throws {
        try await RunningServer.with(.forTests()) { server in
            try await server.raise("a", "one")
            for request in [
                "POST /a HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\n\r\ntwo",
                "GET /a/json?poll=1 HTTP/1.1\r\nHost: h\r\n\r\n",
            ] {
                let connection = try await RawConnection.connect(port: server.port)
                try await connection.send(request)
                try await connection.closeOutput()
                let answer = String(decoding: try await connection.readToEnd(), as: UTF8.self)
                #expect(answer.hasPrefix("HTTP/1.1 200 "))
                #expect(answer.contains("two"))
                try await connection.close()
            }
        }
    }

    @Test("readers whose peer goes away, in order or not, are forgotten")
    func gone() async throws {
        try await RunningServer.with(.forTests()) { server in
            for target in ["/a/sse", "/a/json", "/a/raw"] {
                for way in 0..<3 {
                    let stream = try await TestStream.open(port: server.port, target)
                    try await server.awaitSockets(1)
                    switch way {
                    case 0: try await stream.connection.close()
                    case 1: try await stream.connection.reset()
                    default: try await stream.connection.closeOutput()
                    }
                    try await server.awaitSockets(0)
                }
            }
            let connection = try await RawConnection.connect(port: server.port)
            try await connection.send(Self.upgrade)
            try await server.awaitSockets(1)
            try await connection.closeOutput()
            try await server.awaitSockets(0)
            try await server.stillWorks()
        }
    }
}
