import DequeModule
import Dispatch
import MessageBus
import Synchronization

/// A connection to PostgreSQL: runs statements one after the other, and hands notifications on as they come.
///
/// Isolated to a queue of its own, on which libpq is called. Whoever asks gets an answer by a deadline. A statement that the server does not answer within
/// the connection's patience ends the connection, so that a half-open one is found; one whose caller had less time than that does not, since the
/// statements before it may have taken that time. A connection that failed stays closed; another one is started in its place.
///
/// Statements wait for their turn in a bounded queue; overflow policy: what comes on top is refused with `.overloaded`.
actor PostgresConnection {
    /// What the connection tells, on its queue.
    struct Events: Sendable {
        var notified: @Sendable (PostgresNotification) -> Void = { _ in }
        var closed: @Sendable (PostgresFailure) -> Void = { _ in }
    }

    private struct Statement {
        let sql: String
        let parameters: [PostgresParameter]
        let deadline: ContinuousClock.Instant
        let continuation: CheckedContinuation<Result<PostgresRows, PostgresFailure>, Never>
    }

    /// A statement that was sent.
    private struct Running {
        let end: ContinuousClock.Instant
        /// `nil` once its caller was answered.
        var statement: Statement?
        var result = Result<PostgresRows, PostgresFailure>.success(.none)

        /// When something has to be done about it.
        var nextDeadline: ContinuousClock.Instant { min(end, statement?.deadline ?? end) }
    }

    private enum State {
        case idle
        case connecting
        case open
        case closed(PostgresFailure)
    }

    private static let maximumWaiting = 1024

    /// Comes once the connection is open, or has failed to be.
    nonisolated let opening = Pending<Result<Void, PostgresFailure>>()
    private nonisolated let executor: QueueExecutor
    private nonisolated let closedFlag = Atomic(false)
    private let events: Events
    private let patience: Duration
    private var state = State.idle
    private var libpq: LibPQ?
    /// While connecting: the step that is waited for. Open: whether there is something to read.
    private var source: (any DispatchSourceProtocol)?
    /// Exists while a statement is too long for the socket's buffer.
    private var writeSource: (any DispatchSourceProtocol)?
    private var timer: (any DispatchSourceTimer)?
    private var current: Running?
    private var waiting: Deque<Statement> = []

    nonisolated var unownedExecutor: UnownedSerialExecutor { executor.asUnownedSerialExecutor() }

    private init(_ events: Events, patience: Duration) {
        self.events = events
        self.patience = patience
        executor = QueueExecutor(label: "crier.postgres")
    }

    /// Begins connecting. Await `opening` before anything else: a name server may keep the connection's queue for longer than any deadline, and then
    /// only whoever waits for `opening` goes on in time.
    ///
    /// - Parameters:
    ///   - deadline: for the attempt.
    ///   - patience: how long the server may take for a statement.
    static func start(
        _ parameters: ConnectionParameters, until deadline: ContinuousClock.Instant, patience: Duration,
        events: Events = Events()
    ) -> PostgresConnection {
        let connection = PostgresConnection(events, patience: patience)
        connection.executor.queue.async {
            connection.assumeIsolated { $0.connect(parameters, until: deadline) }
        }
        return connection
    }

    nonisolated var isClosed: Bool { closedFlag.load(ordering: .acquiring) }

    /// Runs one statement, in a transaction of its own. Not ended by cancellation: the deadline bounds it.
    ///
    /// - Throws: `.unanswered` where the deadline passed; whether the statement was carried out is then unknown.
    func run(
        _ sql: String, _ parameters: [PostgresParameter] = [], until deadline: ContinuousClock.Instant
    ) async throws(PostgresFailure) -> PostgresRows {
        if case .closed(let failure) = state { throw failure }
        guard waiting.count < Self.maximumWaiting else { throw .overloaded }
        let result = await withCheckedContinuation { continuation in
            waiting.append(
                Statement(sql: sql, parameters: parameters, deadline: deadline, continuation: continuation))
            sendNext()
            schedule()
        }
        return try result.get()
    }

    /// Closes the connection, at once or as soon as its queue is free. Repeating it has no effect.
    nonisolated func close() {
        executor.queue.async {
            self.assumeIsolated { $0.end(.unreachable("the connection is closed")) }
        }
    }

    private func end(_ failure: PostgresFailure) {
        if case .closed = state { return }
        state = .closed(failure)
        closedFlag.store(true, ordering: .releasing)
        for source in [source, writeSource, timer as (any DispatchSourceProtocol)?] { source?.cancel() }
        source = nil
        writeSource = nil
        timer = nil
        libpq = nil
        opening.resolve(.failure(failure))
        for statement in [current?.statement].compactMap(\.self) + waiting {
            statement.continuation.resume(returning: .failure(failure))
        }
        current = nil
        waiting.removeAll()
        events.closed(failure)
    }
}

// Connecting.
extension PostgresConnection {
    private func connect(_ parameters: ConnectionParameters, until deadline: ContinuousClock.Instant) {
        guard case .idle = state else { return }
        state = .connecting
        let timer = DispatchSource.makeTimerSource(queue: executor.queue)
        timer.setEventHandler { [weak self] in self?.assumeIsolated { $0.timeIsUp() } }
        timer.activate()
        self.timer = timer
        schedule(deadline)
        let rotated = parameters.rotated(by: .random(in: 0..<parameters.hostCount))
        guard let libpq = LibPQ(rotated.all) else { return end(.unreachable("memory is short")) }
        self.libpq = libpq
        guard !libpq.hasFailed else { return end(libpq.failure) }
        watchStep(of: libpq, isWriting: true)
    }

    private func connectFurther() {
        guard case .connecting = state, let libpq else { return }
        source?.cancel()
        source = nil
        switch libpq.poll() {
        case .reading: watchStep(of: libpq, isWriting: false)
        case .writing: watchStep(of: libpq, isWriting: true)
        case .failed: end(libpq.failure)
        case .ready:
            state = .open
            source = watch(
                DispatchSource.makeReadSource(fileDescriptor: libpq.socket, queue: executor.queue), libpq
            ) {
                $0.receive()
            }
            opening.resolve(.success(()))
            sendNext()
            schedule()
        }
    }

    /// libpq may have another socket at each step, so each has a source of its own.
    private func watchStep(of libpq: LibPQ, isWriting: Bool) {
        let source: any DispatchSourceProtocol =
            isWriting
            ? DispatchSource.makeWriteSource(fileDescriptor: libpq.socket, queue: executor.queue)
            : DispatchSource.makeReadSource(fileDescriptor: libpq.socket, queue: executor.queue)
        self.source = watch(source, libpq) { $0.connectFurther() }
    }

    private func watch(
        _ source: any DispatchSourceProtocol, _ libpq: LibPQ,
        _ handle: @escaping @Sendable (isolated PostgresConnection) -> Void
    ) -> any DispatchSourceProtocol {
        source.setEventHandler { [weak self] in self?.assumeIsolated { handle($0) } }
        source.setCancelHandler { withExtendedLifetime(libpq) {} }
        source.activate()
        return source
    }
}

// Statements.
extension PostgresConnection {
    private func sendNext() {
        guard case .open = state, current == nil, let libpq, let next = waiting.popFirst() else {
            return
        }
        current = Running(end: .now + patience, statement: next)
        guard libpq.send(next.sql, next.parameters) else { return end(libpq.failure) }
        flush()
    }

    private func flush() {
        guard let libpq else { return }
        switch libpq.flush() {
        case .failed: end(libpq.failure)
        case .done:
            writeSource?.cancel()
            writeSource = nil
        case .blocked:
            guard writeSource == nil else { return }
            writeSource = watch(
                DispatchSource.makeWriteSource(fileDescriptor: libpq.socket, queue: executor.queue), libpq
            ) {
                $0.flush()
            }
        }
    }

    private func receive() {
        guard case .open = state, let libpq else { return }
        guard libpq.consumeInput() else { return end(libpq.failure) }
        takeResults(libpq)
        while let notification = libpq.nextNotification() { events.notified(notification) }
    }

    private func takeResults(_ libpq: LibPQ) {
        while var running = current, !libpq.isBusy {
            if let result = libpq.nextResult() {
                running.result = result
                current = running
            } else {
                current = nil
                running.statement?.continuation.resume(returning: running.result)
                sendNext()
                schedule()
            }
        }
    }
}

// Deadlines.
extension PostgresConnection {
    /// Sets the timer to the first deadline of the statements, if there are any.
    private func schedule() {
        guard case .open = state else { return }
        let deadlines = [current?.nextDeadline].compactMap(\.self) + waiting.map(\.deadline)
        schedule(deadlines.min())
    }

    private func schedule(_ deadline: ContinuousClock.Instant?) {
        guard let deadline else {
            timer?.schedule(deadline: .distantFuture)
            return
        }
        let left = max(.zero, ContinuousClock.now.duration(to: deadline))
        timer?.schedule(
            deadline: .now() + .nanoseconds(Int(left / .nanoseconds(1))), leeway: .milliseconds(10))
    }

    private func timeIsUp() {
        switch state {
        case .connecting: end(.unanswered("connecting"))
        case .open: answerLate()
        case .idle, .closed: break
        }
    }

    /// Answers the callers whose time is over, and ends the connection where the server's is.
    private func answerLate() {
        let now = ContinuousClock.now
        if let running = current {
            guard running.end > now else { return end(.unanswered("a statement")) }
            if let statement = running.statement, statement.deadline <= now {
                current?.statement = nil
                statement.continuation.resume(returning: .failure(.unanswered("a statement")))
            }
        }
        for statement in waiting where statement.deadline <= now {
            statement.continuation.resume(
                returning: .failure(.unanswered("the statements before took too long")))
        }
        waiting.removeAll { $0.deadline <= now }
        schedule()
    }
}
