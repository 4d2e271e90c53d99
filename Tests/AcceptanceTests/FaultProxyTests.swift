import CrierTesting
import NIOCore
import NIOPosix
import Testing

struct FaultProxyTests {
    /// A server that sends back what it gets.
    private func withEcho(_ body: (FaultProxy) async throws -> Void) async throws {
        let echo = try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .childChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture { try channel.pipeline.syncOperations.addHandler(Echo()) }
            }
            .bind(host: "127.0.0.1", port: 0).get()
        let proxy = try await FaultProxy.start(target: try #require(echo.localAddress?.port))
        try await perform {
            try await body(proxy)
        } finally: {
            await proxy.stop()
            try await echo.close()
        }
    }

    private func expectEcho(_ text: String, on connection: RawConnection, within bound: Duration = .patience)
        async throws
    {
        let bytes = try await connection.read(within: bound) { $0.count >= text.utf8.count }
        #expect(String(decoding: bytes, as: UTF8.self) == text)
    }

    @Test("bytes pass both ways, and connections are counted")
    func passes() async throws {
        try await withEcho { proxy in
            let connection = try await RawConnection.connect(port: proxy.port)
            try await connection.send("hello")
            try await expectEcho("hello", on: connection)
            #expect(proxy.counts.accepted == 1)
            #expect(proxy.counts.open == 1)
            try await connection.close()
            try await eventually("the end of the connection") { proxy.counts.open == 0 }
        }
    }

    @Test("many bytes arrive whole, also where the reader begins late")
    func bulk() async throws {
        try await withEcho { proxy in
            let connection = try await RawConnection.connect(port: proxy.port, isReading: false)
            let bytes = (0..<4_000_000).map { UInt8(truncatingIfNeeded: $0 &* 31 >> 3) }
            async let sent: Void = connection.send(bytes)
            try await connection.setReading(true)
            let echoed = try await connection.read { $0.count >= bytes.count }
            try await sent
            #expect(echoed == bytes)
        }
    }

    @Test("the end of the client's output reaches the target, and the rest still comes back")
    func halfClose() async throws {
        try await withEcho { proxy in
            let connection = try await RawConnection.connect(port: proxy.port)
            try await connection.send("last words")
            try await connection.closeOutput()
            let bytes = try await connection.readToEnd()
            #expect(String(decoding: bytes, as: UTF8.self) == "last words")
        }
    }

    @Test("dropped: nothing arrives, new connections stall, and all goes on when it is over")
    func drop() async throws {
        try await withEcho { proxy in
            let old = try await RawConnection.connect(port: proxy.port)
            try await old.send("before")
            try await expectEcho("before", on: old)
            await proxy.set(.drop)
            let new = try await RawConnection.connect(port: proxy.port)
            try await old.send("during")
            try await new.send("during")
            for connection in [old, new] {
                await #expect(throws: RawConnection.Timeout.self) {
                    _ = try await connection.read(within: .milliseconds(300)) { !$0.isEmpty }
                }
            }
            await proxy.set(.none)
            try await expectEcho("during", on: old)
            try await expectEcho("during", on: new)
        }
    }

    @Test("dropped one way: what was asked arrives, the answer does not")
    func dropOneWay() async throws {
        try await withEcho { proxy in
            let connection = try await RawConnection.connect(port: proxy.port)
            try await connection.send("one")
            try await expectEcho("one", on: connection)
            await proxy.set(.drop, .toClient)
            try await connection.send("two")
            await #expect(throws: RawConnection.Timeout.self) {
                _ = try await connection.read(within: .milliseconds(300)) { !$0.isEmpty }
            }
            await proxy.set(.none)
            try await expectEcho("two", on: connection)
        }
    }

    @Test("dropped: the end of a connection shows only when it is over")
    func dropHidesEnd() async throws {
        try await withEcho { proxy in
            let connection = try await RawConnection.connect(port: proxy.port)
            try await connection.send("one")
            try await expectEcho("one", on: connection)
            await proxy.set(.drop)
            try await connection.close()
            #expect(proxy.counts.open == 1)
            await proxy.set(.none)
            try await eventually("the end of the connection") { proxy.counts.open == 0 }
        }
    }

    @Test("reset: open connections end at once, new ones too, and later ones work")
    func reset() async throws {
        try await withEcho { proxy in
            let connection = try await RawConnection.connect(port: proxy.port)
            try await connection.send("one")
            try await expectEcho("one", on: connection)
            await proxy.set(.reset)
            _ = try await connection.readToEnd()
            if let refused = try? await RawConnection.connect(port: proxy.port) {
                _ = try await refused.readToEnd()
            }
            await proxy.set(.none)
            let later = try await RawConnection.connect(port: proxy.port)
            try await later.send("two")
            try await expectEcho("two", on: later)
        }
    }

    @Test("delayed: bytes arrive later by what was asked, both ways added up, and in order")
    func delay() async throws {
        try await withEcho { proxy in
            let connection = try await RawConnection.connect(port: proxy.port)
            await proxy.set(.delay(.milliseconds(100)))
            let start = ContinuousClock.now
            for word in ["one", "two", "three"] { try await connection.send(word) }
            try await expectEcho("onetwothree", on: connection)
            #expect(ContinuousClock.now - start >= .milliseconds(200))
            await proxy.set(.none)
            try await connection.send("four")
            try await expectEcho("four", on: connection)
        }
    }

    @Test("another target takes new connections, and a target that is not there resets them")
    func target() async throws {
        try await withEcho { proxy in
            try await withEcho { other in
                await proxy.setTarget(try ServerProcess.freePort())
                if let connection = try? await RawConnection.connect(port: proxy.port) {
                    _ = try await connection.readToEnd()
                }
                await proxy.setTarget(other.port)
                let connection = try await RawConnection.connect(port: proxy.port)
                try await connection.send("one")
                try await expectEcho("one", on: connection)
                #expect(other.counts.accepted == 1)
            }
        }
    }
}

private final class Echo: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer

    func channelRead(context: ChannelHandlerContext, data: NIOAny) { context.writeAndFlush(data, promise: nil) }
}
