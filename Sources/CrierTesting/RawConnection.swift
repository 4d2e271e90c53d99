public import NIOCore
public import NIOPosix

#if canImport(Darwin)
    import Darwin
#elseif canImport(Musl)
    import Musl
#else
    import Glibc
#endif

/// A plain TCP client for tests: bytes out, bytes in, and the ways in which a connection ends badly.
public struct RawConnection: Sendable {
    /// What was awaited did not come within the bound; with what came instead.
    public struct Timeout: Error {
        public let received: [UInt8]
    }

    private let channel: any Channel
    private let reader: NIOLoopBound<ByteCollector>

    /// Connects.
    ///
    /// - Parameters:
    ///   - receiveBuffer: bytes of `SO_RCVBUF`; small, the writer soon has to wait.
    ///   - isReading: `false` to read nothing until ``setReading(_:)``.
    public static func connect(
        host: String = "127.0.0.1", port: Int, receiveBuffer: Int? = nil, isReading: Bool = true,
        on group: any EventLoopGroup = MultiThreadedEventLoopGroup.singleton
    ) async throws -> RawConnection {
        var bootstrap = ClientBootstrap(group: group)
            .channelOption(.socketOption(.tcp_nodelay), value: 1)
            .channelOption(.allowRemoteHalfClosure, value: true)
            .channelOption(.autoRead, value: isReading)
            .channelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.addHandler(ByteCollector(eventLoop: channel.eventLoop))
                }
            }
        if let receiveBuffer {
            bootstrap = bootstrap.channelOption(.socketOption(.so_rcvbuf), value: SocketOptionValue(receiveBuffer))
        }
        let channel = try await bootstrap.connect(host: host, port: port).get()
        let reader = try await channel.eventLoop.submit {
            NIOLoopBound(
                try channel.pipeline.syncOperations.handler(type: ByteCollector.self), eventLoop: channel.eventLoop)
        }.get()
        return RawConnection(channel: channel, reader: reader)
    }

    /// Writes the bytes and waits until the system has them.
    public func send(_ bytes: [UInt8]) async throws {
        try await channel.writeAndFlush(ByteBuffer(bytes: bytes))
    }

    /// Writes the text and waits until the system has it.
    public func send(_ text: String) async throws {
        try await send(Array(text.utf8))
    }

    /// Waits until what came and was not taken yet fulfils the condition, takes all of it and returns it.
    ///
    /// - Throws: ``Timeout`` if the condition is not fulfilled within the bound, or when the connection ends before.
    public func read(
        within bound: Duration = .patience, until isEnough: @escaping @Sendable ([UInt8]) -> Bool
    ) async throws -> [UInt8] {
        let reader = reader
        return try await channel.eventLoop.flatSubmit { reader.value.read(within: bound, until: isEnough) }.get()
    }

    /// Waits until the peer ends the connection and returns what came before and was not taken yet.
    ///
    /// - Throws: ``Timeout`` if it does not within the bound.
    public func readToEnd(within bound: Duration = .patience) async throws -> [UInt8] {
        let reader = reader
        return try await channel.eventLoop.flatSubmit { reader.value.read(within: bound, until: nil) }.get()
    }

    /// Stops or resumes reading.
    public func setReading(_ isReading: Bool) async throws {
        try await channel.setOption(.autoRead, value: isReading).get()
    }

    /// Ends the output; the input stays open.
    public func closeOutput() async throws {
        try await channel.close(mode: .output)
    }

    /// Ends the connection.
    public func close() async throws {
        try? await channel.close()
    }

    /// Ends the connection with a reset.
    public func reset() async throws {
        let abrupt = linger(l_onoff: 1, l_linger: 0)
        if let provider = channel as? any SocketOptionProvider { try await provider.setSoLinger(abrupt).get() }
        try? await channel.close()
    }
}

/// Keeps what came until it is asked for.
private final class ByteCollector: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer

    private struct Waiter {
        let isEnough: (@Sendable ([UInt8]) -> Bool)?
        let promise: EventLoopPromise<[UInt8]>
        let deadline: Scheduled<Void>
    }

    private let eventLoop: any EventLoop
    private var bytes: [UInt8] = []
    private var hasEnded = false
    private var waiter: Waiter?

    init(eventLoop: any EventLoop) {
        self.eventLoop = eventLoop
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        bytes.append(contentsOf: unwrapInboundIn(data).readableBytesView)
    }

    func channelReadComplete(context: ChannelHandlerContext) {
        check()
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        if case .some(.inputClosed) = event as? ChannelEvent { finish() }
        context.fireUserInboundEventTriggered(event)
    }

    func channelInactive(context: ChannelHandlerContext) {
        finish()
        context.fireChannelInactive()
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        finish()
        context.close(promise: nil)
    }

    func read(within bound: Duration, until isEnough: (@Sendable ([UInt8]) -> Bool)?) -> EventLoopFuture<[UInt8]> {
        let promise = eventLoop.makePromise(of: [UInt8].self)
        let deadline = eventLoop.assumeIsolated().scheduleTask(in: TimeAmount(bound)) { [self] in
            waiter = nil
            promise.fail(RawConnection.Timeout(received: bytes))
        }
        waiter?.promise.fail(RawConnection.Timeout(received: bytes))
        waiter = Waiter(isEnough: isEnough, promise: promise, deadline: deadline)
        check()
        return promise.futureResult
    }

    private func finish() {
        hasEnded = true
        check()
    }

    private func check() {
        guard let waiter else { return }
        let isDone = waiter.isEnough.map { $0(bytes) } ?? hasEnded
        guard isDone || hasEnded else { return }
        self.waiter = nil
        waiter.deadline.cancel()
        if isDone {
            waiter.promise.succeed(bytes)
            bytes = []
        } else {
            waiter.promise.fail(RawConnection.Timeout(received: bytes))
        }
    }
}
