import NIOCore

/// Decides for everyone who needs the one connection whether there is one, who makes it, and when it is not worth trying; as a value.
struct ConnectionGate<Connection> {
    enum Answer {
        case use(Connection)
        /// The caller makes the connection, and tells what came of it.
        case connect
        /// Somebody makes it.
        case wait
        case refuse(RedisFailure)
    }

    private enum State {
        case idle
        case connecting
        case open(Connection)
        case failed(RedisFailure, until: NIODeadline)
        case closed
    }

    private var state = State.idle
    private var delay = ReconnectDelay()

    /// Asks for the connection.
    mutating func ask(at now: NIODeadline, isOpen: (Connection) -> Bool) -> Answer {
        switch state {
        case .open(let connection) where isOpen(connection): return .use(connection)
        case .connecting: return .wait
        case .closed: return .refuse(Self.closed)
        case .failed(let failure, let until) where now < until: return .refuse(failure)
        case .idle, .open, .failed:
            state = .connecting
            return .connect
        }
    }

    /// - Returns: whether the connection is kept. Otherwise the gate was closed meanwhile.
    mutating func connected(_ connection: Connection) -> Bool {
        guard case .connecting = state else { return false }
        state = .open(connection)
        delay.reset()
        return true
    }

    mutating func failed(
        _ failure: RedisFailure, at now: NIODeadline, using generator: inout some RandomNumberGenerator
    ) {
        guard case .connecting = state else { return }
        state = .failed(failure, until: now + delay.next(using: &generator))
    }

    /// - Returns: the connection to close.
    mutating func close() -> Connection? {
        defer { state = .closed }
        return if case .open(let connection) = state { connection } else { nil }
    }

    static var closed: RedisFailure { RedisFailure(.link, "the link to Redis was closed") }
}
