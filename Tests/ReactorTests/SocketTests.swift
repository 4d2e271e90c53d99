import CrierTesting
import NIOConcurrencyHelpers
import NIOCore
import Reactor
import Testing

#if canImport(Musl)
    import Musl
#else
    import Glibc
#endif

@Suite(.timeLimit(.minutes(5))) struct SocketTests {
    @Test("a handler gets bytes, the end of the input, and the end") func life() async throws {
        let server = try await RecordingServer.start()
        let raw = try await RawConnection.connect(port: server.port)
        try await raw.send(Array("hello".utf8))
        try await server.wait { $0.text == "hello" }
        try await raw.closeOutput()
        try await server.wait { $0.events == [.inputEnded] }
        try await server.run { $0.socket.writeThenClose(ByteBuffer(string: "bye")) }
        #expect(try await raw.readToEnd() == Array("bye".utf8))
        try await raw.close()
        try await server.wait { $0.events == [.inputEnded, .closed] }
        try await server.stop()
    }

    @Test("a close in the middle of a turn is told at its end, once, and later calls do nothing") func close()
        async throws
    {
        let server = try await RecordingServer.start()
        let raw = try await RawConnection.connect(port: server.port)
        try await raw.send(Array("x".utf8))
        try await server.wait { $0.text == "x" }
        let inside = try await server.run { recorder in
            recorder.socket.close()
            recorder.socket.close()
            recorder.socket.write(ByteBuffer(string: "late"))
            recorder.socket.writeThenClose(ByteBuffer(string: "late"))
            return recorder.events
        }
        #expect(inside.isEmpty)
        try await server.wait { $0.events == [.closed] }
        #expect(try await raw.readToEnd().isEmpty)
        try await server.stop()
    }

    @Test("a peer that resets the connection is told as an error") func reset() async throws {
        let server = try await RecordingServer.start()
        let raw = try await RawConnection.connect(port: server.port)
        try await raw.send(Array("x".utf8))
        try await server.wait { $0.text == "x" }
        try await raw.reset()
        try await server.wait { $0.events == [.failed(ECONNRESET)] }
        try await server.stop()
    }

    @Test("a socket that is given away goes on elsewhere, with what it kept, and nothing is lost between")
    func release() async throws {
        let server = try await RecordingServer.start()
        let other = try ReactorLoop()
        let raw = try await RawConnection.connect(port: server.port)
        try await raw.send(Array("one".utf8))
        try await server.wait { $0.text == "one" }
        let descriptor = try await server.run { recorder in
            let released = recorder.socket.release()
            return released?.keepsake === recorder.keepsake ? released?.descriptor : nil
        }
        try await raw.send(Array("two".utf8))
        let second = try await other.submit {
            let socket = try StreamSocket(adopting: descriptor ?? -1, on: other)
            let recorder = Recorder(socket)
            socket.handler = recorder
            return NIOLoopBound(recorder, eventLoop: other)
        }.get()
        try await Self.wait(second) { $0.text == "two" }
        #expect(try await server.run { $0.events }.isEmpty)
        try await raw.close()
        try await Self.wait(second) { $0.events == [.inputEnded] }
        try await server.stop()
        try await other.shutdownGracefully()
    }

    @Test("a socket that does not read lets the peer wait, and reads all of it afterwards") func paused() async throws {
        let server = try await RecordingServer.start()
        let raw = try await RawConnection.connect(port: server.port)
        try await raw.send(Array("a".utf8))
        try await server.wait { $0.text == "a" }
        try await server.run { $0.socket.setReading(false) }
        try await raw.send(Array("b".utf8))
        // Another connection's turn shows that the loop had one after the bytes came.
        let witness = try await RawConnection.connect(port: server.port)
        try await witness.send(Array("w".utf8))
        try await server.wait(1) { $0.text == "w" }
        #expect(try await server.run { $0.text } == "a")
        try await server.run { $0.socket.setReading(true) }
        try await server.wait { $0.text == "ab" }
        try await server.stop()
    }

    @Test("the end of a loop closes its sockets and tells their handlers") func loopEnds() async throws {
        let loop = try ReactorLoop()
        let server = try await RecordingServer.start(on: loop)
        let raw = try await RawConnection.connect(port: server.port)
        try await raw.send(Array("x".utf8))
        try await server.wait { $0.text == "x" }
        try await loop.shutdownGracefully()
        #expect(try await raw.readToEnd().isEmpty)
        #expect(server.ends == 1)
    }

    @Test("a port is free once its listener has stopped") func port() async throws {
        let first = try await RecordingServer.start()
        await #expect(throws: SocketError(call: "bind", code: EADDRINUSE)) {
            _ = try await RecordingServer.start(port: first.port)
        }
        try await first.stop()
        let second = try await RecordingServer.start(port: first.port)
        try await second.stop()
    }

    static func wait(_ recorder: NIOLoopBound<Recorder>, until condition: @escaping @Sendable (Recorder) -> Bool)
        async throws
    {
        try await recorder.eventLoop.flatSubmit { recorder.value.wait(until: condition) }.get()
    }
}

/// Records what a socket is told.
final class Recorder: SocketHandler {
    enum Event: Equatable, Sendable {
        case inputEnded, closed
        case failed(CInt)
    }

    let socket: StreamSocket
    let keepsake: AnyObject?
    private(set) var text = ""
    private(set) var events: [Event] = []
    private var waiters: [(condition: (Recorder) -> Bool, promise: EventLoopPromise<Void>)] = []
    private let ended: () -> Void

    init(_ socket: StreamSocket, keepsake: AnyObject? = nil, ended: @escaping () -> Void = {}) {
        self.socket = socket
        self.keepsake = keepsake
        self.ended = ended
    }

    func received(_ bytes: inout ByteBuffer) {
        text += bytes.readString(length: bytes.readableBytes) ?? ""
        check()
    }

    func inputEnded() { record(.inputEnded) }

    func drained() {}

    func closed(_ error: SocketError?) {
        ended()
        record(error.map { .failed($0.code) } ?? .closed)
    }

    /// Succeeds once the condition holds, fails after `Duration.patience`.
    func wait(until condition: @escaping (Recorder) -> Bool) -> EventLoopFuture<Void> {
        let promise = socket.loop.makePromise(of: Void.self)
        waiters.append((condition, promise))
        check()
        socket.loop.assumeIsolated().scheduleTask(in: TimeAmount(.patience)) { promise.fail(Timeout()) }
        return promise.futureResult
    }

    private func record(_ event: Event) {
        events.append(event)
        check()
    }

    private func check() {
        let fulfilled = waiters.filter { $0.condition(self) }
        waiters.removeAll { $0.condition(self) }
        for waiter in fulfilled { waiter.promise.succeed() }
    }

    struct Timeout: Error {}
}

/// Accepts connections and records each.
private struct RecordingServer {
    let port: Int
    private let listener: NIOLoopBound<SocketListener>
    private let recorders: NIOLockedValueBox<[NIOLoopBound<Recorder>]>
    private let endings: NIOLockedValueBox<Int>

    static func start(port: Int = 0, on loop: ReactorLoop = .shared) async throws -> RecordingServer {
        let recorders = NIOLockedValueBox<[NIOLoopBound<Recorder>]>([])
        let endings = NIOLockedValueBox(0)
        let listener = try await SocketListener.bind(host: "127.0.0.1", port: port, on: loop) { descriptor in
            let keepsake = Keepsake()
            guard let socket = try? StreamSocket(adopting: descriptor, on: loop, keepsake: keepsake) else { return }
            let recorder = Recorder(socket, keepsake: keepsake) { endings.withLockedValue { $0 += 1 } }
            socket.handler = recorder
            recorders.withLockedValue { $0.append(NIOLoopBound(recorder, eventLoop: loop)) }
        }
        return RecordingServer(
            port: try await loop.submit { listener.value.port }.get(), listener: listener, recorders: recorders,
            endings: endings)
    }

    private final class Keepsake {}

    /// How many connections have ended.
    var ends: Int { endings.withLockedValue { $0 } }

    /// The connection that came as number `index`.
    private func recorder(_ index: Int) async throws -> NIOLoopBound<Recorder> {
        let found = { recorders.withLockedValue { $0.dropFirst(index).first } }
        try await eventually("connection \(index)") { found() != nil }
        return try #require(found())
    }

    func wait(_ index: Int = 0, until condition: @escaping @Sendable (Recorder) -> Bool) async throws {
        try await SocketTests.wait(try await recorder(index), until: condition)
    }

    @discardableResult
    func run<Result: Sendable>(_ body: @escaping @Sendable (Recorder) -> Result) async throws -> Result {
        let recorder = try await recorder(0)
        return try await recorder.eventLoop.submit { body(recorder.value) }.get()
    }

    func stop() async throws {
        await withCheckedContinuation { continuation in
            listener.eventLoop.execute { listener.value.stop { continuation.resume() } }
        }
    }
}
