public import Gateway
import Logging
public import MessageBus
import NIOCore
import NIOPosix
import PrometheusMetrics

/// A real server in this process, on a free loopback port, over an in-process bus.
public struct RunningServer: Sendable {
    public let port: Int
    public let bus: InProcessBus
    private let leaving: EventLoopPromise<Void>
    private let ended: EventLoopFuture<Void>

    /// Runs a server for as long as the body, waits until it is ready before and until `run` has come back after.
    ///
    /// - Parameters:
    ///   - configuration: its port and host are replaced by a free port on 127.0.0.1.
    ///   - wrap: puts another bus around the in-process one, which stands between it and the server.
    ///   - store: what the server keeps sessions and presence in.
    ///   - awaitsReadiness: `false` for a server whose bus keeps it from becoming ready.
    ///   - bound: for the start, and for the end after the body.
    public static func with(
        _ configuration: ServerConfiguration, through wrap: (InProcessBus) -> any MessageBus = { $0 },
        store: any SharedStore = InProcessStore(), awaitsReadiness: Bool = true, within bound: Duration = .patience,
        _ body: @escaping @Sendable (RunningServer) async throws -> Void
    ) async throws {
        var configuration = configuration
        configuration.host = "127.0.0.1"
        configuration.port = 0
        let bus = InProcessBus(retention: configuration.retention)
        let server = GatewayServer(
            configuration: configuration, bus: wrap(bus), store: store, registry: PrometheusRegistry(),
            logger: Logger(label: "crier.tests") { _ in SwiftLogNoOpLogHandler() })
        let eventLoop = MultiThreadedEventLoopGroup.singleton.next()
        let port = eventLoop.makePromise(of: Int.self)
        let leaving = eventLoop.makePromise(of: Void.self)
        let ended = eventLoop.makePromise(of: Void.self)
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask {
                do {
                    try await server.run(
                        started: { port.succeed($0) }, until: { try? await leaving.futureResult.get() })
                    port.fail(ServerProcess.Failure("the server ended before it had started"))
                    ended.succeed()
                } catch {
                    port.fail(error)
                    ended.fail(error)
                    throw error
                }
            }
            // Whatever happens, the server is told to leave, since the group waits for it.
            defer { leaving.succeed() }
            let running = RunningServer(
                port: try await within(bound, "the server's start") { try await port.futureResult.get() }, bus: bus,
                leaving: leaving, ended: ended.futureResult)
            if awaitsReadiness { try await running.becomeReady(within: bound) }
            try await body(running)
            running.leave()
            try await running.end(within: bound)
        }
    }

    /// Tells the server to leave, as a signal would. Repeating it has no effect.
    public func leave() { leaving.succeed() }

    /// Waits until the server's `run` has come back.
    public func end(within bound: Duration = .patience) async throws {
        try await within(bound, "the server's end") { [ended] in try await ended.get() }
    }

    /// Waits until the server has its place on the bus and what the log held.
    public func becomeReady(within bound: Duration = .patience) async throws {
        try await eventually("the server's readiness", within: bound) {
            try await request("GET", "/ready").status == 200
        }
    }
}

extension RunningServer {
    /// Sends a request on a connection of its own and reads the answer to its end.
    ///
    /// - Parameters:
    ///   - target: path and query, as they go on the wire.
    ///   - headers: besides `Host`, `Connection: close` and, with a body, `Content-Length`.
    public func request(
        _ method: String, _ target: String, headers: [(String, String)] = [], body: String = ""
    ) async throws -> HTTPReply {
        try await request(method, target, headers: headers, bytes: Array(body.utf8))
    }

    /// The same with a body of any bytes.
    public func request(
        _ method: String, _ target: String, headers: [(String, String)] = [], bytes: [UInt8]
    ) async throws -> HTTPReply {
        var head = "\(method) \(target) HTTP/1.1\r\nHost: 127.0.0.1:\(port)\r\nConnection: close\r\n"
        for (name, value) in headers { head += "\(name): \(value)\r\n" }
        if !bytes.isEmpty { head += "Content-Length: \(bytes.count)\r\n" }
        return try await exchange(Array("\(head)\r\n".utf8) + bytes, toHead: method == "HEAD")
    }

    /// Sends bytes as they are on a connection of their own and reads the answer to its end.
    public func exchange(
        _ bytes: [UInt8], toHead: Bool = false, within bound: Duration = .patience
    ) async throws -> HTTPReply {
        let connection = try await RawConnection.connect(port: port)
        try await connection.send(bytes)
        let answer = try await connection.readToEnd(within: bound)
        try await connection.close()
        var rest = answer[...]
        guard let reply = HTTPReply(reading: &rest, toHead: toHead, isEnded: true) else {
            throw HTTPReply.Malformed(bytes: answer)
        }
        return reply
    }
}

extension ServerConfiguration {
    /// What most tests run with: no rates, two event loops, no page and no time to drain.
    public static func forTests(_ change: (inout ServerConfiguration) -> Void = { _ in }) -> ServerConfiguration {
        guard let vm = VMIdentity(id: "vm-1", region: "syd", boot: "boot-1") else {
            preconditionFailure("a valid name")
        }
        var configuration = ServerConfiguration(vm: vm)
        configuration.hasRateLimits = false
        configuration.threads = 2
        configuration.drainSeconds = 0
        configuration.publicDirectory = "/nonexistent"
        change(&configuration)
        return configuration
    }
}
