import CrierTesting
import NIOCore
import Reactor
import Testing
import WebSocketTransport

/// A WebSocket's writer on the server's side: the reactor's sockets, on loopback.
@Suite(.serialized, .timeLimit(.minutes(5))) struct StreamSocketTests {
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
        let first = try await raw.read { $0.count >= 2000 * 4096 }
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
        #expect(try await raw.read { $0.count >= 8000 * 4096 } == Self.stream(0..<8000))
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
        #expect(try await raw.readToEnd() == Self.stream(0..<1501))
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
        let received = try await raw.readToEnd()
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

    @Test("a socket that is gone writes to no other that got its descriptor") func descriptorReuse() async throws {
        let fixture = try await LoopbackFixture.start()
        let (raw, probe) = try await fixture.connect()
        let writer = try await probe.run { session in
            session.socket.map { NIOLoopBound($0.writer, eventLoop: $0.eventLoop) }
        }
        try await raw.close()
        try await probe.wait { $0.ends == 1 }
        var connections: [(RawConnection, Probe)] = []
        for _ in 0..<8 { connections.append(try await fixture.connect()) }
        try await probe.run { _ in writer?.value.write(ByteBuffer(string: "stray")) }
        for (raw, probe) in connections {
            try await probe.run { $0.socket?.writer.writeThenClose(ByteBuffer(string: "own")) }
            #expect(try await raw.readToEnd() == Array("own".utf8))
            try await raw.close()
        }
        try await fixture.server.stop()
    }
}
