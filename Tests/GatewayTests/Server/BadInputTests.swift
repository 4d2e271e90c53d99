import CrierTesting
import NIOHTTP1
import StrictJSON
import Testing
import WebSocketTransport

@testable import Gateway

/// What no correct client sends gets a precise answer, and the server is as before.
@Suite struct BadInputTests {
    @Test("a body over its limit is refused, with a length and without, and at the limit it is taken")
    func body() async throws {
        try await RunningServer.with(.forTests { $0.maximumBody = 2000 }) { server in
            let large = String(repeating: "x", count: 2001)
            let reply = try await server.request("POST", "/a", body: large)
            #expect(reply.status == 413)
            #expect(reply.code == 41301)
            let head = "POST /a HTTP/1.1\r\nHost: h\r\nConnection: close\r\n"
            let chunked = try await server.exchange(
                Array("\(head)Transfer-Encoding: chunked\r\n\r\n7d1\r\n\(large)\r\n0\r\n\r\n".utf8))
            #expect(chunked.code == 41301)
            // Refused by its length, before any of the body comes.
            let announced = try await server.exchange(
                Array("\(head)Content-Length: 99999999\r\nExpect: 100-continue\r\n\r\n".utf8))
            #expect([100, 413].contains(announced.status))
            try await server.raise("a", String(repeating: "x", count: 2000))
            try await server.stillWorks()
        }
    }

    @Test("a head that is too large is refused")
    func head() async throws {
        try await RunningServer.with(.forTests()) { server in
            for target in ["/health", "/a/sse", "/ws"] {
                let many = (0..<200).map { ("X-Filler-\($0)", String(repeating: "x", count: 100)) }
                let reply = try await server.request("GET", target, headers: many)
                #expect(reply.status == 431, "\(target)")
                #expect(reply.code == 43101)
                #expect(
                    try await server.request("GET", target, headers: [("X", String(repeating: "x", count: 100_000))])
                        .status == 431)
                let long = try await server.request("GET", "\(target)?\(String(repeating: "x", count: 9000))")
                #expect(long.status == 414, "\(target)")
                #expect(long.code == 41401)
            }
            try await server.stillWorks()
        }
    }

    @Test(
        "what is not HTTP is answered with 400 or the end",
        arguments: [
            "nonsense\r\n\r\n", "GET\r\n\r\n", "GET / HTTP/9.9\r\n\r\n", "GET / HTTP/1.1\r\nBad Header: x\r\n\r\n",
            "\u{16}\u{3}\u{1}\u{2}\u{0}\r\n\r\n",
            "POST /a HTTP/1.1\r\nHost: h\r\nContent-Length: -1\r\n\r\n",
            "POST /a HTTP/1.1\r\nHost: h\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nxx",
            "POST /a HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
            "GET / HTTP/1.1\r\nHost: h\r\nX: a\0b\r\n\r\n",
            "POST /a HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\nContent-Length: 3\r\n\r\n0\r\n\r\n",
            "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        ])
    func malformed(text: String) async throws {
        try await RunningServer.with(.forTests()) { server in
            let connection = try await RawConnection.connect(port: server.port)
            try await connection.send(text)
            // A parser may still wait for more: the end of the input says that none comes.
            try await connection.closeOutput()
            let answer = String(decoding: try await connection.readToEnd(), as: UTF8.self)
            #expect(answer.isEmpty || answer.hasPrefix("HTTP/1.1 4"), "\(answer)")
            #expect(!answer.contains("HTTP/1.1 200"))
            try await connection.close()
            #expect(try await server.poll("/*/json?poll=1").isEmpty)
            try await server.stillWorks()
        }
    }

    @Test(
        "a body that breaks off raises nothing",
        arguments: [
            "Content-Length: 10\r\n\r\nabc", "Transfer-Encoding: chunked\r\n\r\n5\r\nabc",
            "Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n",
            "Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\nzz\r\n", "Content-Length: 1\r\n\r\n",
        ])
    func brokenOff(rest: String) async throws {
        try await RunningServer.with(.forTests()) { server in
            for way in 0..<3 {
                let connection = try await RawConnection.connect(port: server.port)
                try await connection.send("POST /a HTTP/1.1\r\nHost: h\r\n\(rest)")
                switch way {
                case 0: try await connection.closeOutput()
                case 1: try await connection.close()
                default: try await connection.reset()
                }
                if way == 0 {
                    let answer = String(decoding: try await connection.readToEnd(), as: UTF8.self)
                    #expect(answer.isEmpty || answer.hasPrefix("HTTP/1.1 400 "), "\(answer)")
                    try await connection.close()
                }
            }
            try await server.stillWorks()
            #expect(try await server.poll("/a/json?poll=1").isEmpty)
        }
    }

    @Test("a chunk that is none is answered with 400 after a good request on the same connection")
    func badChunk() async throws {
        try await RunningServer.with(.forTests()) { server in
            let good = "POST /a HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\n\r\none"
            let bad = "POST /a HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n"
            let connection = try await RawConnection.connect(port: server.port)
            try await connection.send(good)
            _ = try await connection.read { $0.firstRange(of: Array("one".utf8)) != nil }
            try await connection.send(bad)
            let answer = String(decoding: try await connection.readToEnd(), as: UTF8.self)
            #expect(answer.hasPrefix("HTTP/1.1 400 "))
            #expect(answer.contains(#""code":40010"#))
            try await connection.close()
            #expect(try await server.poll("/a/json?poll=1").map { $0.string("message") } == ["one"])
        }
    }

    @Test("a reading request with a body is refused")
    func readerBody() async throws {
        try await RunningServer.with(.forTests()) { server in
            let reply = try await server.request("GET", "/a/sse", body: "x")
            #expect(reply.status == 400)
            #expect(reply.code == 40010)
            try await server.stillWorks()
        }
    }

    @Test("no value that is echoed starts a line of its own")
    func injection() async throws {
        try await RunningServer.with(.forTests { $0.allowedOrigins = .any }) { server in
            let bare =
                "GET /a/sse?poll=1 HTTP/1.1\r\nHost: h\r\nConnection: close\r\nOrigin: https://a\rSet-Cookie: x=1\r\n\r\n"
            let answer = try? await server.exchange(Array(bare.utf8))
            #expect(answer?.header("set-cookie") == nil)
            let encoded = try await server.request(
                "OPTIONS", "/a",
                headers: [
                    ("Origin", "https://a\u{85}\u{2028}b"), ("WebHook-Request-Origin", "a\u{7f}\u{1}b"),
                    ("Access-Control-Request-Headers", "x\u{b}y"),
                ])
            #expect(encoded.headers.allSatisfy { $0.value.utf8.allSatisfy { (0x20...0x7E).contains($0) } })
            // A line break in an alert stays inside its JSON, and its line of a stream.
            let raised = try await server.request(
                "POST", "/", body: #"{"topic":"a","message":"x\r\n\r\nid: 1\ndata: y","title":"\r\nevent: z"}"#)
            #expect(raised.status == 200)
            let stream = try await server.request("GET", "/a/sse?poll=1")
            #expect(stream.text.split(separator: "\n").count == 2)
            let raw = try await server.request("GET", "/a/raw?poll=1")
            #expect(raw.text == "x    id: 1 data: y\n")
            let query = try await server.request("GET", "/a/publish?title=a%0d%0aX-Evil:%201&message=%00")
            #expect(query.header("x-evil") == nil)
            #expect(query.status == 200)
        }
    }

    @Test(
        "frames that break the rules close the socket with their code",
        arguments: [
            ([0x81, 0x01, 0x41], 1002), ([0xC1, 0x80, 0, 0, 0, 0], 1002), ([0x83, 0x80, 0, 0, 0, 0], 1002),
            ([0x80, 0x80, 0, 0, 0, 0], 1002),
            ([0x81, 0x81, 0, 0, 0, 0, 0xFF], 1007), ([0x09, 0x80, 0, 0, 0, 0], 1002),
            ([0x81, 0xFF, 0xFF, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0], 1002),
            ([0x81, 0xFF, 0, 0, 0, 0, 0, 0x10, 0, 0, 0, 0, 0, 0], 1009), ([0x88, 0x81, 0, 0, 0, 0, 1], 1002),
            ([0x88, 0x82, 0, 0, 0, 0, 0x03, 0xED], 1002),
            ([0x82, 0x81, 0, 0, 0, 0, 1], 1003),
        ] as [([UInt8], UInt16)])
    func frames(bytes: [UInt8], code: UInt16) async throws {
        try await RunningServer.with(.forTests()) { server in
            let socket = try await server.duplex()
            try await socket.send(raw: bytes)
            #expect(try await socket.nextClose()?.rawValue == code)
            try await server.awaitSockets(0)
            try await server.stillWorks()
        }
    }

    @Test("a message over its limit closes with 1009, in one frame and in fragments")
    func messages() async throws {
        try await RunningServer.with(.forTests { $0.maximumBody = 2000 }) { server in
            let one = try await server.duplex()
            try await one.send(text: String(repeating: " ", count: 2001))
            #expect(try await one.nextClose() == .messageTooBig)
            let two = try await server.duplex()
            let fragment = [0x01, 0xFE, 0x04, 0x00, 0, 0, 0, 0] + [UInt8](repeating: 0x20, count: 1024)
            let more = [0x00, 0xFE, 0x04, 0x00, 0, 0, 0, 0] + [UInt8](repeating: 0x20, count: 1024)
            try await two.send(raw: fragment + more)
            #expect(try await two.nextClose() == .messageTooBig)
            let three = try await server.duplex()
            let text = #"{"op":"ping","ref":"r"}"#
            let ack = try await three.ask(text + String(repeating: " ", count: 2000 - text.utf8.count))
            #expect(ack.event == "ack")
            try await three.leave()
        }
    }

    @Test("a handshake that is wrong is refused and says how")
    func handshakes() async throws {
        try await RunningServer.with(.forTests()) { server in
            let good = [
                ("Upgrade", "websocket"), ("Sec-WebSocket-Version", "13"),
                ("Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ=="),
            ]
            for (index, change, status) in [
                (0, "h2c", 426), (1, "8", 426), (1, "x", 426), (2, "short", 400), (2, "", 400),
            ] {
                var headers = good
                headers[index].1 = change
                let lines = headers.map { "\($0.0): \($0.1)\r\n" }.joined()
                let reply = try await server.exchange(
                    Array("GET /ws HTTP/1.1\r\nHost: h\r\nConnection: Upgrade\r\n\(lines)\r\n".utf8))
                #expect(reply.status == status, "\(change)")
                if status == 426 { #expect(reply.header("upgrade") == "websocket") }
                if index == 1 { #expect(reply.header("sec-websocket-version") == "13") }
            }
            let old = try await server.exchange(
                Array("GET /ws HTTP/1.0\r\nHost: h\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n".utf8))
            #expect(old.status == 400)
            try await server.awaitSockets(0)
            try await server.stillWorks()
        }
    }

    @Test("seeded noise on many connections harms nobody")
    func noise() async throws {
        try await RunningServer.with(.forTests()) { server in
            let reader = try await server.socket("/alive/ws")
            #expect(try await reader.nextObject().event == "open")
            var random = SeededGenerator(seed: 0xBAD0)
            for round in 0..<60 {
                let connection = try await RawConnection.connect(port: server.port)
                let start = [
                    "", "GET /ws HTTP/1.1\r\n", "POST /a HTTP/1.1\r\nHost: h\r\nContent-Length: 50\r\n\r\n",
                    "GET /a/sse HTTP/1.1\r\nHost: h\r\n\r\n",
                ][round % 4]
                let noise = (0..<Int.random(in: 1...400, using: &random)).map { _ in
                    UInt8.random(in: 0...255, using: &random)
                }
                try? await connection.send(Array(start.utf8) + noise)
                if round % 2 == 0 { try await connection.reset() } else { try await connection.close() }
            }
            for _ in 0..<20 {
                let socket = try await server.duplex()
                let noise = (0..<Int.random(in: 1...200, using: &random)).map { _ in
                    UInt8.random(in: 0...255, using: &random)
                }
                try await socket.send(raw: noise)
                try await socket.abort()
            }
            try await server.awaitSockets(1)
            try await server.stillWorks()
            #expect(try await reader.nextObject().string("message")?.hasPrefix("alive-") == true)
            try await reader.leave()
        }
    }
}
