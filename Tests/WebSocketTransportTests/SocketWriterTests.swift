import CrierTesting
import NIOCore
import NIOPosix
import Testing
import WebSocketTransport

/// The writer over real sockets on loopback.
@Suite(.serialized, .timeLimit(.minutes(1))) struct SocketWriterTests {
    /// Chunks whose bytes tell their place in the stream; slices of one buffer, so that a loop is not held up by making them.
    private static func chunk(_ number: Int) -> ByteBuffer {
        pattern.getSlice(at: number &* 31 & 255, length: 4096) ?? ByteBuffer()
    }

    private static let pattern = ByteBuffer(bytes: (0..<4096 + 256).map { UInt8(truncatingIfNeeded: $0) })

    private static func stream(_ numbers: Range<Int>) -> [UInt8] {
        var bytes = ByteBuffer()
        for number in numbers { bytes.writeImmutableBuffer(chunk(number)) }
        return Array(bytes.readableBytesView)
    }

    @Test("every byte arrives in order though the peer stops reading, and the direct path opens again") func order()
        async throws
    {
        let fixture = try await LoopbackFixture.start()
        let (raw, probe) = try await fixture.connect(receiveBuffer: 4096)
        try await raw.setReading(false)
        let (direct, pending) = try await probe.run { session in
            guard let writer = session.socket?.writer else { return (0, 0) }
            var direct = 0
            for number in 0..<2000 {
                writer.write(Self.chunk(number))
                if writer.pendingBytes == 0 { direct += 1 }
            }
            return (direct, writer.pendingBytes)
        }
        #expect(direct > 0, "the first writes went straight to the kernel")
        #expect(pending > 0, "the last ones had to wait")
        try await raw.setReading(true)
        let first = try await raw.read(within: .seconds(20)) { $0.count >= 2000 * 4096 }
        #expect(first == Self.stream(0..<2000))
        try await probe.wait { $0.events.contains(.drained) }
        let isDirect = try await probe.run { session in
            session.socket?.writer.write(Self.chunk(2000))
            return session.socket?.writer.pendingBytes == 0
        }
        #expect(isDirect)
        #expect(try await raw.read { $0.count >= 4096 } == Self.stream(2000..<2001))
        try await raw.close()
        try await fixture.server.stop()
    }

    @Test("what is written while the peer catches up does not overtake what is pending") func orderWhileReading()
        async throws
    {
        let fixture = try await LoopbackFixture.start()
        let (raw, probe) = try await fixture.connect(receiveBuffer: 4096)
        let most = try await probe.run { session in
            guard let writer = session.socket?.writer else { return 0 }
            var most = 0
            for number in 0..<8000 {
                writer.write(Self.chunk(number))
                most = max(most, writer.pendingBytes)
            }
            return most
        }
        #expect(most > 0)
        #expect(try await raw.read(within: .seconds(20)) { $0.count >= 8000 * 4096 } == Self.stream(0..<8000))
        try await raw.close()
        try await fixture.server.stop()
    }

    @Test("what is pending when the last bytes are given is delivered before the end") func closesAfterPending()
        async throws
    {
        let fixture = try await LoopbackFixture.start()
        let (raw, probe) = try await fixture.connect(receiveBuffer: 4096)
        try await raw.setReading(false)
        let pending = try await probe.run { session in
            for number in 0..<1500 { session.socket?.writer.write(Self.chunk(number)) }
            session.socket?.writer.writeThenClose(Self.chunk(1500))
            session.socket?.writer.write(Self.chunk(9999))
            return session.socket?.writer.pendingBytes ?? 0
        }
        #expect(pending > 0)
        try await raw.setReading(true)
        #expect(try await raw.readToEnd(within: .seconds(20)) == Self.stream(0..<1501))
        try await raw.close()
        try await probe.wait { $0.ends == 1 }
        try await fixture.server.stop()
    }

    @Test("closing drops what is pending and ends the session once") func closesNow() async throws {
        let fixture = try await LoopbackFixture.start()
        let (raw, probe) = try await fixture.connect(receiveBuffer: 4096)
        try await raw.setReading(false)
        try await probe.run { session in
            for number in 0..<1500 { session.socket?.writer.write(Self.chunk(number)) }
            session.socket?.writer.close()
            session.socket?.writer.write(Self.chunk(1500))
        }
        try await probe.wait { $0.ends == 1 }
        #expect(try await probe.run { $0.socket?.writer.pendingBytes } == 0)
        try await raw.setReading(true)
        let received = try await raw.readToEnd(within: .seconds(20))
        #expect(received == Array(Self.stream(0..<1500).prefix(received.count)))
        #expect(received.count < 1500 * 4096)
        try await fixture.server.stop()
    }

    @Test("a reset by the peer while writing ends the session, without a signal", arguments: [true, false])
    func reset(_ isReading: Bool) async throws {
        let fixture = try await LoopbackFixture.start()
        let (raw, probe) = try await fixture.connect(receiveBuffer: 4096)
        try await raw.setReading(isReading)
        try await probe.run { session in
            for number in 0..<200 { session.socket?.writer.write(Self.chunk(number)) }
        }
        try await raw.reset()
        // Writes until the kernel says that the peer is gone.
        try await probe.run { session in
            guard let socket = session.socket else { return }
            @Sendable func keepWriting(_ bound: NIOLoopBound<ProbeSession>) {
                guard bound.value.ends == 0 else { return }
                bound.value.socket?.writer.write(Self.chunk(0))
                bound.eventLoop.execute { keepWriting(bound) }
            }
            keepWriting(NIOLoopBound(session, eventLoop: socket.eventLoop))
        }
        try await probe.wait { $0.ends == 1 }
        #expect(try await probe.run { $0.socket?.isOpen } == false)
        try await fixture.server.stop()
    }

    @Test("a writer whose channel is gone writes to no other socket that got its descriptor") func descriptorReuse()
        async throws
    {
        let fixture = try await LoopbackFixture.start()
        // No handler tells this writer that its channel is gone.
        let closed = try await ClientBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .connect(host: "127.0.0.1", port: fixture.server.port).get()
        let writer = try await closed.eventLoop.submit {
            NIOLoopBound(SocketWriter(channel: closed), eventLoop: closed.eventLoop)
        }.get()
        try await closed.close()
        var connections: [(RawConnection, Probe)] = []
        for _ in 0..<8 { connections.append(try await fixture.connect()) }
        try await closed.eventLoop.submit { writer.value.write(ByteBuffer(string: "stray")) }.get()
        for (raw, probe) in connections {
            try await probe.run { $0.socket?.writer.writeThenClose(ByteBuffer(string: "own")) }
            #expect(try await raw.readToEnd() == Array("own".utf8))
            try await raw.close()
        }
        try await fixture.server.stop()
    }

    @Test("what the channel holds already goes out first") func afterChannelWrites() async throws {
        let group = MultiThreadedEventLoopGroup.singleton
        // The client end writes here: 8 MiB by the channel, which no socket buffer takes whole, then one byte by the writer.
        let listener = try await ListenerOfOne.start(on: group)
        let channel = try await ClientBootstrap(group: group).connect(host: "127.0.0.1", port: listener.port).get()
        let head = [UInt8](repeating: 1, count: 8 << 20)
        let pending = try await channel.eventLoop.submit {
            channel.writeAndFlush(ByteBuffer(bytes: head), promise: nil)
            let writer = SocketWriter(channel: channel)
            let pending = writer.pendingBytes
            writer.writeThenClose(ByteBuffer(bytes: [2]))
            return pending
        }.get()
        #expect(pending > 0)
        let received = try await listener.everything()
        #expect(received.count == head.count + 1 && received.last == 2)
    }
}

/// Accepts one connection and, once it is asked for everything, collects all that it sends. Until then it reads nothing.
private struct ListenerOfOne {
    private final class Collector: ChannelInboundHandler {
        typealias InboundIn = ByteBuffer
        private var bytes: [UInt8] = []
        private let done: EventLoopPromise<[UInt8]>

        init(_ done: EventLoopPromise<[UInt8]>) { self.done = done }

        func channelRead(context: ChannelHandlerContext, data: NIOAny) {
            bytes += Array(unwrapInboundIn(data).readableBytesView)
        }

        func channelInactive(context: ChannelHandlerContext) { done.succeed(bytes) }
    }

    private let channel: any Channel
    private let accepted: EventLoopFuture<any Channel>
    private let done: EventLoopFuture<[UInt8]>

    var port: Int { channel.localAddress?.port ?? 0 }

    static func start(on group: any EventLoopGroup) async throws -> ListenerOfOne {
        let promise = group.next().makePromise(of: [UInt8].self)
        let accepted = group.next().makePromise(of: (any Channel).self)
        let channel = try await ServerBootstrap(group: group)
            .childChannelOption(.autoRead, value: false)
            .childChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.addHandler(Collector(promise))
                    accepted.succeed(channel)
                }
            }
            .bind(host: "127.0.0.1", port: 0).get()
        return ListenerOfOne(channel: channel, accepted: accepted.futureResult, done: promise.futureResult)
    }

    func everything() async throws -> [UInt8] {
        try await accepted.get().setOption(.autoRead, value: true).get()
        let bytes = try await done.get()
        try await channel.close()
        return bytes
    }
}
