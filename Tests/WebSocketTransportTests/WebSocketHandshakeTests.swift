import NIOCore
import NIOHTTP1
import Testing
import WebSocketTransport

private let sound: [(String, String)] = [
    ("Host", "example.com"), ("Upgrade", "websocket"), ("Connection", "Upgrade"),
    ("Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ=="), ("Sec-WebSocket-Version", "13"),
]

private func request(
    _ changes: [(String, String?)] = [], method: HTTPMethod = .GET, version: HTTPVersion = .http1_1
) -> HTTPRequestHead {
    var headers = HTTPHeaders(sound)
    for (name, value) in changes {
        headers.remove(name: name)
        if let value { headers.add(name: name, value: value) }
    }
    return HTTPRequestHead(version: version, method: method, uri: "/ws", headers: headers)
}

private func status(_ head: HTTPRequestHead) -> Int? {
    do throws(WebSocketHandshakeError) {
        _ = try WebSocketHandshake.accept(head, subprotocols: ["a"])
        return nil
    } catch {
        return error.status
    }
}

@Suite struct WebSocketHandshakeTests {
    @Test("answers the example of RFC 6455 section 1.3") func example() throws {
        let handshake = try WebSocketHandshake.accept(
            request([("Sec-WebSocket-Protocol", "chat, superchat")]), subprotocols: ["chat"])
        #expect(handshake.subprotocol == "chat")
        #expect(
            String(buffer: handshake.response(extraHeaders: [("X-Test", "a\r\nb")]))
                == "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                + "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\nSec-WebSocket-Protocol: chat\r\nX-Test: a  b\r\n\r\n"
        )
    }

    @Test("takes token lists in any case") func lists() {
        #expect(status(request([("Connection", "keep-alive, uPGRADE"), ("Upgrade", "h2c , WebSocket")])) == nil)
    }

    @Test(
        "refuses with the status that fits",
        arguments: [
            ("Upgrade", nil, 426), ("Upgrade", "websockets", 426), ("Connection", nil, 400),
            ("Connection", "close", 400),
            ("Host", nil, 400), ("Sec-WebSocket-Version", nil, 426), ("Sec-WebSocket-Version", "8", 426),
            ("Sec-WebSocket-Key", nil, 400), ("Sec-WebSocket-Key", "short", 400),
            ("Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ=!", 400),
            ("Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25j*Q==", 400),
            ("Sec-WebSocket-Protocol", "a, b c", 400), ("Sec-WebSocket-Protocol", "é", 400),
        ] as [(String, String?, Int)])
    func refuses(_ name: String, _ value: String?, _ expected: Int) {
        #expect(status(request([(name, value)])) == expected)
    }

    @Test("refuses other methods, old versions and repeated keys") func refusesRequests() {
        #expect(status(request(method: .POST)) == 405)
        #expect(status(request(version: .http1_0)) == 400)
        var head = request()
        head.headers.add(name: "Sec-WebSocket-Key", value: "dGhlIHNhbXBsZSBub25jZQ==")
        #expect(status(head) == 400)
    }

    @Test("takes header names in any case and blanks around values, and the version once only") func isLenient() throws
    {
        var head = request([
            ("Host", nil), ("Sec-WebSocket-Version", " 13\t"), ("Sec-WebSocket-Key", " dGhlIHNhbXBsZSBub25jZQ== "),
        ])
        head.headers.add(name: "hOST", value: "example.com")
        let response = try WebSocketHandshake.accept(head).response()
        #expect(String(buffer: response).contains("Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n"))
        head.headers.add(name: "Sec-WebSocket-Version", value: "13")
        #expect(status(head) == 426)
        #expect(status(request([("Upgrade", "web socket, xwebsocket, websocketx, web,socket")])) == 426)
    }

    @Test("names the version that it speaks when it refuses another") func namesVersion() {
        #expect {
            try WebSocketHandshake.accept(request([("Sec-WebSocket-Version", "7")]), subprotocols: [])
        } throws: { error in
            (error as? WebSocketHandshakeError)?.headers.contains(.init(name: "Sec-WebSocket-Version", value: "13"))
                == true
        }
    }

    @Test("chooses the server's first preference among what the client offers") func prefers() throws {
        var head = request([("Sec-WebSocket-Protocol", "a,b")])
        head.headers.add(name: "Sec-WebSocket-Protocol", value: "c")
        #expect(try WebSocketHandshake.accept(head, subprotocols: ["x", "c", "a"]).subprotocol == "c")
        #expect(try WebSocketHandshake.accept(head, subprotocols: ["x"]).subprotocol == nil)
        #expect(try WebSocketHandshake.accept(request(), subprotocols: ["a"]).subprotocol == nil)
    }

    @Test("knows an upgrade when it sees one") func recognizes() {
        #expect(WebSocketHandshake.isUpgrade(request()))
        #expect(WebSocketHandshake.isUpgrade(request([("Sec-WebSocket-Key", nil), ("Upgrade", "h2c, WEBSOCKET")])))
        #expect(!WebSocketHandshake.isUpgrade(request(method: .POST)))
        #expect(!WebSocketHandshake.isUpgrade(request([("Upgrade", "h2c")])))
        #expect(!WebSocketHandshake.isUpgrade(request([("Upgrade", nil)])))
    }
}
