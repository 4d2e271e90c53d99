import NIOCore
import NIOEmbedded
import Reactor
import Testing
import WebSocketTransport

/// Holds outbound writes until told otherwise, as a socket does whose peer does not read.
private final class Dam: ChannelOutboundHandler {
    typealias OutboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    var isShut = false
    var isBroken = false
    private var held: [(ByteBuffer, EventLoopPromise<Void>?)] = []

    func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
        if isBroken {
            promise?.fail(ChannelError.ioOnClosedChannel)
            context.close(promise: nil)
        } else if isShut {
            held.append((unwrapOutboundIn(data), promise))
        } else {
            context.write(data, promise: promise)
        }
    }

    func open(_ channel: EmbeddedChannel) throws {
        isShut = false
        let context = try channel.pipeline.syncOperations.context(handler: self)
        let writes = held
        held = []
        for (bytes, promise) in writes { context.writeAndFlush(wrapOutboundOut(bytes), promise: promise) }
    }
}

@Suite struct WebSocketHandlerTests {
    private let channel = EmbeddedChannel()
    private let session = ProbeSession()
    private let dam = Dam()

    init() throws {
        try start(role: .server, on: channel, session)
    }

    private func start(role: WebSocketRole, on channel: EmbeddedChannel, _ session: ProbeSession) throws {
        try channel.pipeline.syncOperations.addHandlers(dam, WebSocketHandler(session: session, role: role))
        try channel.connect(to: SocketAddress(ipAddress: "127.0.0.1", port: 1)).wait()
    }

    private func feed(_ bytes: [UInt8]) throws {
        try channel.writeInbound(ByteBuffer(bytes: bytes))
    }

    private func sent() throws -> [UInt8] {
        var bytes: [UInt8] = []
        while let next = try channel.readOutbound(as: ByteBuffer.self) { bytes += Array(next.readableBytesView) }
        return bytes
    }

    @Test("opens the session once, on a channel that becomes active or is") func opens() throws {
        #expect(session.events == [.opened])
        let late = ProbeSession()
        try channel.pipeline.syncOperations.addHandler(WebSocketHandler(session: late, role: .server))
        #expect(late.events == [.opened])
    }

    @Test("delivers all that one read brings and says once that the peer was heard") func batch() throws {
        try feed(frame(0x81, [0x61]) + frame(0x82, [1]) + frame(0x8A) + frame(0x81, [0x62]))
        #expect(session.events == [.opened, .heard, .text("a"), .binary([1]), .text("b")])
        try feed(frame(0x8A))
        #expect(session.events.suffix(1) == [.heard])
    }

    @Test("answers each ping with its payload") func pong() throws {
        try feed(frame(0x89, [1, 2]) + frame(0x89))
        #expect(try sent() == [0x8A, 2, 1, 2, 0x8A, 0])
        #expect(session.content.isEmpty)
    }

    @Test("owes only the newest pong while writes are pending") func pingFlood() throws {
        dam.isShut = true
        session.socket?.send(text: "x")
        for number in 0..<1000 { try feed(frame(0x89, [UInt8(truncatingIfNeeded: number)])) }
        #expect(session.socket?.writer.pendingBytes == 3)
        try dam.open(channel)
        #expect(try sent() == [0x81, 1, 0x78, 0x8A, 1, UInt8(truncatingIfNeeded: 999)])
        #expect(session.socket?.writer.pendingBytes == 0)
    }

    @Test("tells the session when what was pending is written") func drained() throws {
        dam.isShut = true
        session.socket?.send(text: "x")
        #expect(!session.events.contains(.drained))
        try dam.open(channel)
        #expect(session.events == [.opened, .drained])
    }

    @Test("echoes a close frame's code and closes", arguments: [WebSocketCloseCode.normal, .goingAway, nil])
    func echoes(_ code: WebSocketCloseCode?) throws {
        let payload = code.map { [UInt8($0.rawValue >> 8), UInt8($0.rawValue & 0xFF)] } ?? []
        try feed(frame(0x88, payload + (code == nil ? [] : [0x62])) + frame(0x81, [0x61]))
        #expect(try sent() == [0x88, UInt8(payload.count)] + payload)
        #expect(session.content == [.closed(code ?? .noStatus, code == nil ? "" : "b")])
        channel.embeddedEventLoop.run()
        #expect(!channel.isActive)
        #expect(session.ends == 1)
    }

    @Test("says in a close frame what rule was broken, and closes") func violation() throws {
        try feed(frame(0x81, [0x61]) + frame(0x83) + frame(0x81, [0x62]))
        let reason = "reserved opcode 3"
        #expect(try sent() == [0x88, UInt8(reason.utf8.count + 2), 0x03, 0xEA] + Array(reason.utf8))
        #expect(session.content == [.text("a"), .closed(nil, reason)])
        channel.embeddedEventLoop.run()
        #expect(!channel.isActive)
        #expect(session.ends == 1)
    }

    @Test("starts the closing handshake, sends and delivers nothing more, and ends with the peer's answer")
    func closes() throws {
        session.socket?.close(code: .serviceRestart, reason: "r")
        session.socket?.send(text: "late")
        session.socket?.writer.write(ByteBuffer(string: "late"))
        try feed(frame(0x81, [0x61]) + frame(0x89))
        #expect(try sent() == [0x88, 3, 0x03, 0xF4, 0x72])
        #expect(session.content.isEmpty && channel.isActive)
        #expect(session.socket?.isOpen == false)
        try feed(frame(0x88, [0x03, 0xF4]))
        #expect(session.content == [.closed(.serviceRestart, "")])
        #expect(try sent().isEmpty)
        channel.embeddedEventLoop.run()
        #expect(!channel.isActive)
    }

    @Test("closes 5 seconds after a close frame that nobody answers") func closeBound() throws {
        session.socket?.close()
        channel.embeddedEventLoop.advanceTime(by: .milliseconds(4999))
        #expect(channel.isActive)
        channel.embeddedEventLoop.advanceTime(by: .milliseconds(1))
        #expect(!channel.isActive)
        #expect(session.content == [.closed(nil, "the connection was lost")])
    }

    @Test("closes a peer 5 seconds after the close although it takes nothing") func stuckClose() throws {
        dam.isShut = true
        session.socket?.send(text: "x")
        try feed(frame(0x88))
        #expect(channel.isActive)
        channel.embeddedEventLoop.advanceTime(by: .seconds(5))
        #expect(!channel.isActive)
        #expect(session.ends == 1)
    }

    @Test("a message in the same read after the session closed is not delivered") func closeInside() throws {
        session.onText = { [session] _ in session.socket?.close() }
        try feed(frame(0x81, [0x61]) + frame(0x81, [0x62]))
        #expect(session.content == [.text("a")])
    }

    @Test("takes the end of the peer's output as the end") func inputClosed() throws {
        channel.pipeline.fireUserInboundEventTriggered(ChannelEvent.inputClosed)
        channel.embeddedEventLoop.run()
        #expect(session.content == [.closed(nil, "the peer ended the connection")])
        #expect(!channel.isActive)
    }

    @Test("tells the session once that the connection is gone") func inactive() throws {
        try channel.close().wait()
        channel.embeddedEventLoop.run()
        #expect(session.content == [.closed(nil, "the connection was lost")])
        session.socket?.send(text: "late")
        session.socket?.close()
        #expect(session.ends == 1)
    }

    @Test("a write that fails ends the session after the call, not inside it") func failsLater() throws {
        dam.isBroken = true
        session.socket?.send(text: "x")
        #expect(session.ends == 0)
        #expect(session.socket?.writer.isOpen == false)
        channel.embeddedEventLoop.run()
        #expect(session.content == [.closed(nil, "the connection was lost")])
    }

    @Test("closing the writer ends the session after the call, not inside it") func closesLater() throws {
        session.socket?.writer.close()
        #expect(session.ends == 0)
        channel.embeddedEventLoop.run()
        #expect(session.content == [.closed(nil, "the connection was lost")])
    }

    @Test("a client masks all that it sends and leaves it to the server to end the connection") func client() throws {
        let channel = EmbeddedChannel()
        let session = ProbeSession()
        try channel.pipeline.syncOperations.addHandler(WebSocketHandler(session: session, role: .client))
        try channel.connect(to: SocketAddress(ipAddress: "127.0.0.1", port: 1)).wait()
        session.socket?.send(text: "hi")
        session.socket?.ping(payload: ByteBuffer(string: "p"))
        try channel.writeInbound(ByteBuffer(bytes: frame(0x89, [7], key: nil) + frame(0x88, [0x03, 0xE8], key: nil)))
        var bytes: [UInt8] = []
        while let next = try channel.readOutbound(as: ByteBuffer.self) { bytes += Array(next.readableBytesView) }
        let expected: [WebSocketFrameReader.Event] = [
            .text(buffer("hi")), .ping(buffer("p")), .pong(ByteBuffer(bytes: [7])), .close(.normal, reason: ""),
        ]
        #expect(read([bytes]) == Reading(events: expected))
        #expect(channel.isActive)
        channel.embeddedEventLoop.advanceTime(by: .seconds(5))
        #expect(!channel.isActive)
        #expect(session.content == [.closed(.normal, "")])
    }

    @Test("releases the session when the connection is gone") func releases() throws {
        let channel = EmbeddedChannel()
        weak var released: ProbeSession?
        do {
            let session = ProbeSession()
            released = session
            try channel.pipeline.syncOperations.addHandler(WebSocketHandler(session: session, role: .server))
            try channel.connect(to: SocketAddress(ipAddress: "127.0.0.1", port: 1)).wait()
        }
        #expect(released != nil)
        try channel.close().wait()
        channel.embeddedEventLoop.run()
        #expect(released == nil)
    }
}
