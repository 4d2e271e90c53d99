public import NIOCore
public import NIOHTTP1
public import NIOPosix
import Reactor
public import WebSocketTransport

/// A WebSocket client for tests: what comes is queued and asked for with a bound on the wait.
public struct TestWebSocket: Sendable {
    /// What came.
    public enum Event: Equatable, Sendable {
        case text(String)
        case binary([UInt8])
        /// The end; see ``WebSocketSession/closed(code:reason:)``.
        case closed(WebSocketCloseCode?, reason: String)
    }

    /// Nothing came within the bound.
    public struct Timeout: Error, Equatable {
        public let bound: Duration
    }

    private let connection: WebSocketClientConnection<Inbox>

    /// What the server chose of the subprotocols offered.
    public var subprotocol: String? { connection.subprotocol }
    /// The headers of the server's answer.
    public var headers: HTTPHeaders { connection.headers }
    /// The connection.
    public var channel: any Channel { connection.channel }

    /// Connects and completes the opening handshake.
    ///
    /// - Throws: `WebSocketConnectError` with the status and body of a refusal.
    public static func connect(
        host: String = "127.0.0.1", port: Int, path: String = "/", headers: HTTPHeaders = [:],
        subprotocols: [String] = [], limits: WebSocketLimits = EchoServer.generousLimits,
        on group: any EventLoopGroup = MultiThreadedEventLoopGroup.singleton
    ) async throws -> TestWebSocket {
        let connection = try await connectWebSocket(
            host: host, port: port, path: path, headers: headers, subprotocols: subprotocols, limits: limits, on: group
        ) { Inbox(eventLoop: $0) }
        return TestWebSocket(connection: connection)
    }

    /// Sends a text message.
    public func send(text: String) async throws {
        try await connection.withSession { $0.socket?.send(text: text) }
    }

    /// Sends a binary message.
    public func send(binary: [UInt8]) async throws {
        try await connection.withSession { $0.socket?.send(binary: ByteBuffer(bytes: binary)) }
    }

    /// Sends bytes as they are, broken frames too.
    public func send(raw bytes: [UInt8]) async throws {
        try await connection.withSession { $0.socket?.writer.write(ByteBuffer(bytes: bytes)) }
    }

    /// Sends a ping.
    public func ping(payload: [UInt8] = []) async throws {
        try await connection.withSession { $0.socket?.ping(payload: ByteBuffer(bytes: payload)) }
    }

    /// The next event, in order; after `.closed` it is `.closed` again.
    ///
    /// - Throws: ``Timeout`` if nothing came within the bound.
    public func next(within bound: Duration = .patience) async throws -> Event {
        let session = connection.session
        return try await connection.channel.eventLoop.flatSubmit { session.value.next(within: bound) }.get()
    }

    /// The text of the next event.
    ///
    /// - Throws: ``Timeout``, or ``Unexpected`` if it is something else.
    public func nextText(within bound: Duration = .patience) async throws -> String {
        let event = try await next(within: bound)
        guard case .text(let text) = event else { throw Unexpected(event: event) }
        return text
    }

    /// Another event than the one awaited came.
    public struct Unexpected: Error {
        public let event: Event
    }

    /// Starts the closing handshake. The end comes as an event.
    public func close(code: WebSocketCloseCode? = .normal, reason: String = "") async throws {
        try await connection.withSession { $0.socket?.close(code: code, reason: reason) }
    }

    /// Stops or resumes reading from the connection: a reader that is too slow.
    public func setReading(_ isReading: Bool) async throws {
        try await channel.setOption(.autoRead, value: isReading).get()
    }

    /// Ends the connection without a closing handshake.
    public func abort() async throws {
        try? await channel.close()
    }
}

/// Queues what came for the test that asks.
private final class Inbox: WebSocketSession {
    var socket: WebSocket?
    private let eventLoop: any EventLoop
    private var events: [TestWebSocket.Event] = []
    private var end: TestWebSocket.Event?
    private var waiter: (promise: EventLoopPromise<TestWebSocket.Event>, deadline: Scheduled<Void>)?

    init(eventLoop: any EventLoop) {
        self.eventLoop = eventLoop
    }

    func opened(by socket: WebSocket) {
        self.socket = socket
    }

    func received(text: ByteBuffer) {
        take(.text(String(buffer: text)))
    }

    func received(binary: ByteBuffer) {
        take(.binary(Array(binary.readableBytesView)))
    }

    func heard() {}

    func closed(code: WebSocketCloseCode?, reason: String) {
        socket = nil
        let event = TestWebSocket.Event.closed(code, reason: reason)
        end = event
        take(event)
    }

    func next(within bound: Duration) -> EventLoopFuture<TestWebSocket.Event> {
        if !events.isEmpty { return eventLoop.makeSucceededFuture(events.removeFirst()) }
        if let end { return eventLoop.makeSucceededFuture(end) }
        let promise = eventLoop.makePromise(of: TestWebSocket.Event.self)
        let deadline = eventLoop.assumeIsolated().scheduleTask(in: TimeAmount(bound)) { [self] in
            waiter = nil
            promise.fail(TestWebSocket.Timeout(bound: bound))
        }
        waiter?.promise.fail(TestWebSocket.Timeout(bound: bound))
        waiter = (promise, deadline)
        return promise.futureResult
    }

    private func take(_ event: TestWebSocket.Event) {
        guard let waiter else {
            events.append(event)
            return
        }
        self.waiter = nil
        waiter.deadline.cancel()
        waiter.promise.succeed(event)
    }
}
