import CrierTesting
import Foundation
import MessageBus
import NIOCore
import NIOPosix
import Testing

@testable import RedisBus

/// What a store does while Redis is away.
@Suite(.serialized)
struct AbsenceTests {
    @Test("A link that is half open is found in time, and left", arguments: [true, false])
    func halfOpen(_ isOneWay: Bool) async throws {
        try await withRedis { server in
            let proxy = try await FaultProxy.start(target: server.port)
            try await withStore("redis://127.0.0.1:\(proxy.port)") { store in
                let first = try await store.append("a")[0]
                let feed = try await store.feed(of: vm("feed"))
                if isOneWay { await proxy.set(.drop, .toClient) } else { await proxy.set(.drop) }
                let start = ContinuousClock.now
                let reading = Task { try await feed.read(after: first, limit: 1, wait: .seconds(1)) }
                let failure = await #expect(throws: BusError.self) { try await store.bounds(beforeLast: 1) }
                #expect(failure?.code == .unavailable)
                #expect(failure?.retryAfter != nil)
                #expect(ContinuousClock.now - start < .milliseconds(4_200))
                await #expect(throws: BusError.self) { try await reading.value }
                #expect(ContinuousClock.now - start < .milliseconds(4_200))
                await proxy.set(.none)
                try await eventually("the store's return") {
                    (try? await store.bounds(beforeLast: 1).head) == first
                }
                let next = try await store.append("b")
                try await eventually("the feed's return") {
                    guard case .alerts(let alerts)? = try? await feed.read(after: first, limit: 9, wait: .seconds(1))
                    else { return false }
                    return alerts.map(\.position) == next
                }
                await feed.close()
            }
            await proxy.stop()
        }
    }

    @Test("While Redis is away, callers are told at once, and it is found when it is back")
    func away() async throws {
        try await withRedis { server in
            try await withStore(server.url) { store in
                _ = try await store.append("a")
                try await server.kill()
                await #expect(throws: BusError.self) { try await store.append("b") }
                let start = ContinuousClock.now
                for _ in 0..<200 {
                    let failure = await #expect(throws: BusError.self) { try await store.append("b") }
                    #expect(failure?.code == .unavailable)
                    #expect(failure?.retryAfter != nil)
                }
                #expect(ContinuousClock.now - start < .seconds(2))
                try await server.restart()
                try await eventually("the store's return", within: .seconds(8)) {
                    (try? await store.append("c")) != nil
                }
            }
        }
    }

    @Test(
        "A peer that is not Redis is left with an error, whatever it sends",
        arguments: ["HTTP/1.1 400\r\n\r\n", "*999999999\r\n", "+OK\r\n+OK\r\n+OK\r\n+OK\r\n+OK\r\n"])
    func notRedis(_ answer: String) async throws {
        let listener = try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .childChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.addHandler(FixedAnswer(answer))
                }
            }
            .bind(host: "127.0.0.1", port: 0).get()
        let port = try #require(listener.localAddress?.port)
        try await withStore("redis://127.0.0.1:\(port)") { store in
            let start = ContinuousClock.now
            await #expect(throws: BusError.self) { try await store.open(seen: .origin) }
            #expect(ContinuousClock.now - start < .seconds(3))
        }
        try await listener.close()
    }
}

/// Answers everything with the same bytes.
private final class FixedAnswer: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer

    private let answer: String

    init(_ answer: String) { self.answer = answer }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        context.writeAndFlush(NIOAny(ByteBuffer(string: answer)), promise: nil)
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) { context.close(promise: nil) }
}
