import Logging
import NIOCore

/// One connection that is made when it is needed, and again after it ended.
///
/// Everyone who asks while it is being made gets the same one; after a failure, nobody tries for a while and everyone is told the failure at once.
actor RedisLink {
    /// What is done on a connection before it is used.
    typealias Preparation = @Sendable (RedisConnection, NIODeadline) async throws(RedisFailure) -> Void

    /// Callers that wait for a connection at most; more are refused.
    private static let capacity = 4096

    private let connector: RedisConnector
    private let onMessage: (@Sendable (RedisMessage) -> Void)?
    private let prepare: Preparation
    private let logger: Logger
    private var gate = ConnectionGate<RedisConnection>()
    private var waiters: [CheckedContinuation<Result<RedisConnection, RedisFailure>, Never>] = []

    /// - Parameter onMessage: is called on an event loop with what is published on channels that the preparation subscribes to.
    init(
        _ connector: RedisConnector, logger: Logger, onMessage: (@Sendable (RedisMessage) -> Void)? = nil,
        prepare: @escaping Preparation
    ) {
        self.connector = connector
        self.onMessage = onMessage
        self.prepare = prepare
        self.logger = logger
    }

    /// The connection, made where there is none.
    func connection(by deadline: NIODeadline) async throws(RedisFailure) -> RedisConnection {
        switch gate.ask(at: .now(), isOpen: \.isOpen) {
        case .use(let connection): return connection
        case .refuse(let failure): throw failure
        case .connect:
            let result = await connect(by: min(deadline, .now() + RedisConnection.connectTimeout))
            for waiter in waiters { waiter.resume(returning: result) }
            waiters.removeAll()
            return try result.get()
        case .wait:
            guard waiters.count < Self.capacity else {
                throw RedisFailure(.link, "\(Self.capacity) callers wait for a connection to Redis already")
            }
            return try await withCheckedContinuation { waiters.append($0) }.get()
        }
    }

    /// Sends a command on the connection.
    ///
    /// - Throws: what the server refuses, besides; where another server may do it, the connection ends, so that the next caller finds that.
    nonisolated func send(
        _ command: RedisCommand, by deadline: NIODeadline
    ) async throws(RedisFailure) -> RESPValue {
        let connection = try await connection(by: deadline)
        do { return try await connection.send(command, by: deadline) } catch {
            if error.endsConnection { connection.close() }
            throw error
        }
    }

    /// Ends the connection for good. Repeating it has no effect.
    func close() { gate.close()?.close() }

    private func connect(by deadline: NIODeadline) async -> Result<RedisConnection, RedisFailure> {
        do throws(RedisFailure) {
            let connection = try await connector.connect(by: deadline, onMessage: onMessage)
            do { try await prepare(connection, deadline) } catch {
                connection.close()
                throw error
            }
            guard gate.connected(connection) else {
                connection.close()
                return .failure(ConnectionGate<RedisConnection>.closed)
            }
            logger.debug("connected to Redis", metadata: ["server": "\(connection.endpoint)"])
            return .success(connection)
        } catch {
            logger.debug("cannot connect to Redis", metadata: ["reason": "\(error.message)"])
            var generator = SystemRandomNumberGenerator()
            gate.failed(error, at: .now(), using: &generator)
            return .failure(error)
        }
    }
}
