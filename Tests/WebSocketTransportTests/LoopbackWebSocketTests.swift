import CrierTesting
import NIOCore
import NIOHTTP1
import NIOPosix
import Reactor
import Testing
import WebSocketTransport

/// Client and server together over loopback.
@Suite(.serialized, .timeLimit(.minutes(5))) struct LoopbackWebSocketTests {
    @Test("echoes text and binary of every length encoding", arguments: [0, 1, 125, 126, 65_535, 65_536, 1 << 20])
    func echo(_ count: Int) async throws {
        let server = try await EchoServer.start(on: .shared)
        let socket = try await TestWebSocket.connect(port: server.port)
        let text = String(repeating: "x", count: count)
        try await socket.send(text: text)
        #expect(try await socket.next() == .text(text))
        let bytes = [UInt8](repeating: 0xA5, count: count)
        try await socket.send(binary: bytes)
        #expect(try await socket.next() == .binary(bytes))
        try await socket.close()
        #expect(try await socket.next() == .closed(.normal, reason: ""))
        try await server.stop()
    }

    @Test("agrees on a subprotocol") func subprotocol() async throws {
        let server = try await EchoServer.start(subprotocols: ["b", "a"], on: .shared)
        let socket = try await TestWebSocket.connect(port: server.port, subprotocols: ["a", "b"])
        #expect(socket.subprotocol == "b")
        let none = try await TestWebSocket.connect(port: server.port, subprotocols: ["c"])
        #expect(none.subprotocol == nil)
        try await socket.abort()
        try await none.abort()
        try await server.stop()
    }

    @Test("a refusal is thrown with its status and body") func refusal() async throws {
        let server = try await EchoServer.start(on: .shared)
        await #expect {
            _ = try await TestWebSocket.connect(port: server.port, headers: ["Sec-WebSocket-Protocol": "no token"])
        } throws: { error in
            let refusal = error as? WebSocketConnectError
            return refusal?.status == 400 && refusal?.body == "Sec-WebSocket-Protocol is not a list of tokens"
        }
        try await server.stop()
    }

    @Test("a port where nobody listens is an error of the system") func nobody() async throws {
        let server = try await EchoServer.start(on: .shared)
        let port = server.port
        try await server.stop()
        await #expect(throws: NIOConnectionError.self) { _ = try await TestWebSocket.connect(port: port) }
    }

    @Test("a wait without an event ends at its bound") func bound() async throws {
        let server = try await EchoServer.start(on: .shared)
        let socket = try await TestWebSocket.connect(port: server.port)
        await #expect(throws: TestWebSocket.Timeout.self) {
            try await socket.next(within: .milliseconds(20))
        }
        try await socket.abort()
        try await server.stop()
    }

    @Test("the session learns the client's code, the client gets it back") func clientCloses() async throws {
        let fixture = try await LoopbackFixture.start()
        let socket = try await TestWebSocket.connect(port: fixture.server.port)
        let probe = try await fixture.nextSession()
        try await socket.close(code: .init(rawValue: 4321), reason: "why")
        #expect(try await socket.next() == .closed(.init(rawValue: 4321), reason: ""))
        try await probe.wait { $0.content == [.closed(.init(rawValue: 4321), "why")] }
        try await socket.channel.closeFuture.get()
        try await fixture.server.stop()
    }

    @Test("the client learns the server's code and reason") func serverCloses() async throws {
        let fixture = try await LoopbackFixture.start()
        let socket = try await TestWebSocket.connect(port: fixture.server.port)
        let probe = try await fixture.nextSession()
        try await probe.run { $0.socket?.close(code: .slowReader, reason: "too slow") }
        #expect(try await socket.next() == .closed(.slowReader, reason: "too slow"))
        try await probe.wait { $0.content == [.closed(.slowReader, "")] }
        try await socket.channel.closeFuture.get()
        try await fixture.server.stop()
    }

    @Test("the close frame of a violation arrives though the peer goes on sending") func violation() async throws {
        let fixture = try await LoopbackFixture.start()
        let (raw, probe) = try await fixture.connect()
        let more = (0..<200).flatMap { _ in frame(0x82, [UInt8](repeating: 1, count: 1000)) }
        try await raw.send(frame(0x83) + more)
        let received = try await raw.readToEnd()
        #expect(received.prefix(4) == [0x88, 19, 0x03, 0xEA])
        try await raw.close()
        try await probe.wait { $0.content == [.closed(nil, "reserved opcode 3")] }
        try await fixture.server.stop()
    }

    @Test("frames that come together with the request are read") func earlyFrames() async throws {
        let fixture = try await LoopbackFixture.start()
        let (raw, probe) = try await fixture.connect(then: frame(0x81, Array("early".utf8)))
        try await probe.wait { $0.content == [.text("early")] }
        try await raw.close()
        try await fixture.server.stop()
    }

    @Test("what a session sends when it is opened comes after the handshake") func earlyWrites() async throws {
        let fixture = try await LoopbackFixture.start { session in
            session.onOpened = { [unowned session] in session.socket?.send(text: "hello") }
        }
        let raw = try await RawConnection.connect(port: fixture.server.port)
        try await raw.send(LoopbackFixture.request)
        let received = try await raw.read { $0.suffix(5).elementsEqual("hello".utf8) }
        #expect(String(decoding: received.dropLast(7), as: UTF8.self).hasSuffix("\r\n\r\n"))
        try await raw.close()
        try await fixture.server.stop()
    }

    @Test("half a connection is none: the end of the client's output ends the session") func halfClose() async throws {
        let fixture = try await LoopbackFixture.start()
        let (raw, probe) = try await fixture.connect()
        try await raw.closeOutput()
        try await probe.wait { $0.content == [.closed(nil, "the peer ended the connection")] }
        #expect(try await raw.readToEnd() == [])
        try await fixture.server.stop()
    }

    @Test("a session that closes from inside a message does not hear the next one") func closeInside() async throws {
        let fixture = try await LoopbackFixture.start { session in
            session.onText = { [unowned session] _ in session.socket?.close(code: .policyViolation) }
        }
        let (raw, probe) = try await fixture.connect()
        try await raw.send(frame(0x81, [0x61]) + frame(0x81, [0x62]) + frame(0x88, [0x03, 0xF0]))
        try await probe.wait { $0.content == [.text("a"), .closed(.policyViolation, "")] }
        #expect(try await raw.readToEnd() == [0x88, 2, 0x03, 0xF0])
        try await fixture.server.stop()
    }
}
