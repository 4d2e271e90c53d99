import CrierTesting
import NIOConcurrencyHelpers
import NIOCore
import Testing

@testable import Reactor

#if canImport(Musl)
    import Musl
#else
    import Glibc
#endif

@Suite(.timeLimit(.minutes(5))) struct SocketConnectorTests {
    private typealias Outcome = Result<CInt, SocketError>

    /// Long enough never to pass in a test that does not mean it.
    private static let patience = TimeAmount.seconds(30)

    private func connect(
        to address: SocketAddress, from source: SocketAddress? = nil, within patience: TimeAmount = patience,
        on loop: ReactorLoop
    ) async -> Outcome {
        await withCheckedContinuation { continuation in
            loop.execute {
                SocketConnector.connect(to: address, from: source, within: patience, on: loop) { outcome in
                    loop.preconditionInEventLoop()
                    continuation.resume(returning: outcome)
                }
            }
        }
    }

    private func local(_ port: Int, _ host: String = "127.0.0.1") throws -> SocketAddress {
        try SocketAddress(ipAddress: host, port: port)
    }

    @Test("what is accepted sends at once, and gives up on a peer that takes nothing, without a call of its own")
    func inherits() async throws {
        let loop = try ReactorLoop()
        let options = loop.makePromise(of: [CInt].self)
        let listener = try await SocketListener.bind(
            host: "127.0.0.1", port: 0, patience: .milliseconds(1_234), on: loop
        ) { descriptor in
            options.succeed([Self.option(TCP_NODELAY, of: descriptor), Self.option(TCP_USER_TIMEOUT, of: descriptor)])
            close(descriptor)
        }
        let raw = try await RawConnection.connect(port: try await loop.submit { listener.value.port }.get())
        let found = try await options.futureResult.get()
        #expect(found[0] != 0)
        #expect(found[1] == 1_234)
        try await raw.close()
        try await loop.shutdownGracefully()
    }

    private static func option(_ name: CInt, of descriptor: CInt) -> CInt {
        var value: CInt = -1
        var size = socklen_t(MemoryLayout<CInt>.size)
        getsockopt(descriptor, CInt(IPPROTO_TCP), name, &value, &size)
        return value
    }

    @Test("the descriptor is connected: bytes go both ways", arguments: ["127.0.0.1", "::1"])
    func connected(host: String) async throws {
        let loop = try ReactorLoop()
        let listener = try await SocketListener.bind(host: host, port: 0, on: loop) { descriptor in
            Echo.adopt(descriptor, on: loop)
        }
        let port = try await loop.submit { listener.value.port }.get()
        let descriptor = try await connect(to: try local(port, host), on: loop).get()
        let echoed = loop.makePromise(of: String.self)
        try await loop.submit {
            let socket = try StreamSocket(adopting: descriptor, on: loop)
            socket.handler = Collector(count: 5, echoed)
            socket.write(ByteBuffer(string: "hello"))
        }.get()
        #expect(try await echoed.futureResult.get() == "hello")
        try await loop.shutdownGracefully()
    }

    @Test("it connects from the address that it is told") func source() async throws {
        let loop = try ReactorLoop()
        let peer = loop.makePromise(of: PeerAddress?.self)
        let listener = try await SocketListener.bind(host: "127.0.0.1", port: 0, on: loop) { descriptor in
            peer.succeed(PeerAddress(of: descriptor))
            close(descriptor)
        }
        let port = try await loop.submit { listener.value.port }.get()
        let outcome = await connect(to: try local(port), from: try local(0, "127.0.0.7"), on: loop)
        close(try outcome.get())
        #expect(try await peer.futureResult.get() == .v4(0x7F00_0007))
        try await loop.shutdownGracefully()
    }

    @Test("a port where nobody listens refuses") func refused() async throws {
        let loop = try ReactorLoop()
        let listener = try await SocketListener.bind(host: "127.0.0.1", port: 0, on: loop) { close($0) }
        let port = try await loop.submit { listener.value.port }.get()
        let stopped = loop.makePromise(of: Void.self)
        loop.execute { listener.value.stop { stopped.succeed() } }
        try await stopped.futureResult.get()
        let outcome = await connect(to: try local(port), on: loop)
        #expect(outcome == .failure(SocketError(call: "connect", code: ECONNREFUSED)))
        try await loop.shutdownGracefully()
    }

    @Test("what cannot even be begun fails in a later step") func impossible() async throws {
        let loop = try ReactorLoop()
        let address = try SocketAddress(unixDomainSocketPath: "/nowhere")
        let outcome = loop.makePromise(of: Outcome.self)
        let wasInside = try await loop.submit {
            let isInside = NIOLockedValueBox(true)
            let called = NIOLockedValueBox(false)
            SocketConnector.connect(to: address, within: Self.patience, on: loop) {
                called.withLockedValue { $0 = isInside.withLockedValue { $0 } }
                outcome.succeed($0)
            }
            isInside.withLockedValue { $0 = false }
            return called.withLockedValue { $0 }
        }.get()
        #expect(!wasInside)
        #expect(
            try await outcome.futureResult.get() == .failure(SocketError(call: "socket", code: EAFNOSUPPORT)))
        // An address that is not this machine's, from the documentation's range.
        let foreign = await connect(to: try local(9), from: try local(0, "192.0.2.1"), on: loop)
        #expect(foreign == .failure(SocketError(call: "bind", code: EADDRNOTAVAIL)))
        try await loop.shutdownGracefully()
    }

    @Test("it gives up in time where nobody answers, and when the loop ends") func unanswered() async throws {
        let full = try FullListener()
        let loop = try ReactorLoop()
        var outcomes: [Outcome] = []
        // The first ones fill the queue of those that wait to be accepted; then the system answers no more.
        while !outcomes.contains(.failure(SocketError(call: "connect", code: ETIMEDOUT))) && outcomes.count < 16 {
            outcomes.append(await connect(to: try local(full.port), within: .milliseconds(100), on: loop))
        }
        #expect(outcomes.last == .failure(SocketError(call: "connect", code: ETIMEDOUT)))
        // Not a future of the loop's: nothing can be learned from one any more once its loop has ended.
        let (pending, told) = AsyncStream.makeStream(of: Outcome.self)
        let address = try local(full.port)
        try await loop.submit {
            SocketConnector.connect(to: address, within: Self.patience, on: loop) {
                told.yield($0)
                told.finish()
            }
        }.get()
        try await loop.shutdownGracefully()
        var iterator = pending.makeAsyncIterator()
        #expect(await iterator.next() == .failure(SocketError(call: "connect", code: ECANCELED)))
        withExtendedLifetime(full.port) {}
        for case .success(let descriptor) in outcomes { close(descriptor) }
    }
}

/// Listens, with the shortest queue there is, and never accepts.
private struct FullListener: ~Copyable {
    private let descriptor: CInt
    let port: Int

    init() throws {
        descriptor = socket(AF_INET, CInt(SOCK_STREAM.rawValue), 0)
        let address = try SocketAddress(ipAddress: "127.0.0.1", port: 0)
        let descriptor = descriptor
        try #require(address.withSockAddr { bind(descriptor, $0, socklen_t($1)) } == 0)
        try #require(listen(descriptor, 0) == 0)
        port = try #require(SocketAddress.local(of: descriptor)?.port)
    }

    deinit { close(descriptor) }
}

/// Sends back what comes.
private final class Echo: SocketHandler {
    private let socket: StreamSocket

    private init(_ socket: StreamSocket) { self.socket = socket }

    static func adopt(_ descriptor: CInt, on loop: ReactorLoop) {
        guard let socket = try? StreamSocket(adopting: descriptor, on: loop) else {
            close(descriptor)
            return
        }
        socket.handler = Echo(socket)
    }

    func received(_ bytes: inout ByteBuffer) { socket.write(ByteBuffer(bytes: bytes.readableBytesView)) }
    func inputEnded() { socket.close() }
    func drained() {}
    func closed(_ error: SocketError?) {}
}

/// Tells what has come when it is so many bytes.
private final class Collector: SocketHandler {
    private let count: Int
    private let promise: EventLoopPromise<String>
    private var text = ""

    init(count: Int, _ promise: EventLoopPromise<String>) {
        self.count = count
        self.promise = promise
    }

    func received(_ bytes: inout ByteBuffer) {
        text += String(buffer: bytes)
        if text.utf8.count >= count { promise.succeed(text) }
    }

    func inputEnded() {}
    func drained() {}
    func closed(_ error: SocketError?) {}
}
