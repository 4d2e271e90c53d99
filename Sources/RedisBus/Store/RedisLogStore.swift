import Logging
public import MessageBus
import NIOConcurrencyHelpers
import NIOCore

/// The log in a Redis: a stream whose entries' ids are the positions, written by one script, so that offsets have no holes and keys hold.
public final class RedisLogStore: LogStore {
    /// How long one method may take.
    private static let patience = TimeAmount.milliseconds(3800)
    /// How long keys are remembered, in seconds.
    private static let keyLifetime = 300

    let keys: RedisKeys
    private let connector: RedisConnector
    private let logCount: Int
    private let logger: Logger
    private let scripts: ScriptRunner
    let link: RedisLink
    /// Whether waiting reads are offered, once that is known.
    private let offersWaiting = NIOLockedValueBox<Bool?>(nil)

    init(_ connector: RedisConnector, keys: RedisKeys, logCount: Int, logger: Logger) {
        let scripts = ScriptRunner()
        self.connector = connector
        self.keys = keys
        self.logCount = max(1, logCount)
        self.logger = logger
        self.scripts = scripts
        link = RedisLink(connector, logger: logger) { connection, deadline throws(RedisFailure) in
            try await scripts.load(on: connection, by: deadline)
        }
    }

    public func open(seen: Position) async throws(BusError) -> LogState {
        try await perform { store, deadline throws(RedisFailure) in
            try await store.append([], seen: seen, by: deadline).state
        }
    }

    public func append(_ records: [LogRecord], seen: Position) async throws(BusError) -> [Receipt] {
        if records.isEmpty { return [] }
        return try await perform { store, deadline throws(RedisFailure) in
            try await store.append(records, seen: seen, by: deadline).receipts
        }
    }

    public func bounds(beforeLast count: Int) async throws(BusError) -> LogBounds {
        try await perform { store, deadline throws(RedisFailure) in
            var arguments = RedisCommand()
            arguments.append(max(0, count))
            let reply = try await store.run(
                .bounds, keys: [store.keys.log, store.keys.meta], arguments: arguments, by: deadline)
            guard let parts = reply.array, parts.count == 6,
                let floor = Position(epoch: parts[0], offset: parts[1]),
                let start = Position(epoch: parts[2], offset: parts[3]),
                let head = Position(epoch: parts[4], offset: parts[5])
            else { throw Self.unexpected }
            return LogBounds(floor: floor, start: start, head: head)
        }
    }

    public func feed(of vm: VMIdentity) async throws(BusError) -> RedisLogFeed {
        let feed = RedisLogFeed(
            of: vm, keys: keys, connector: connector, commands: link,
            offersWaiting: offersWaiting.withLockedValue { $0 },
            logger: logger)
        do throws(RedisFailure) {
            let offersWaiting = try await feed.open(by: .now() + Self.patience)
            self.offersWaiting.withLockedValue { $0 = offersWaiting }
            return feed
        } catch {
            await feed.close()
            throw error.busError
        }
    }

    public func close() async { await link.close() }

    static var unexpected: RedisFailure {
        RedisFailure(.protocolError, "a script answered in a form that there is not")
    }

    /// Runs a script within the deadline.
    func run(
        _ script: RedisScript, keys: [String], arguments: RedisCommand, by deadline: NIODeadline
    ) async throws(RedisFailure) -> RESPValue {
        try await scripts.run(script, keys: keys, arguments: arguments, on: link, by: deadline)
    }

    /// Does something within the time that a method may take.
    func perform<Result>(
        _ body: (RedisLogStore, NIODeadline) async throws(RedisFailure) -> Result
    ) async throws(BusError) -> Result {
        do throws(RedisFailure) { return try await body(self, .now() + Self.patience) } catch { throw error.busError }
    }
}

// Putting into the log.
extension RedisLogStore {
    private func append(
        _ records: [LogRecord], seen: Position, by deadline: NIODeadline
    ) async throws(RedisFailure) -> AppendReply {
        var keys = [keys.log, keys.meta]
        var arguments = RedisCommand()
        arguments.append(seen.epoch)
        arguments.append(seen.offset)
        arguments.append(Position.maximumComponent)
        arguments.append(logCount)
        arguments.append(Self.keyLifetime)
        arguments.append(self.keys.hint)
        for record in records {
            if let position = record.healedFrom { keys.append(self.keys.healed(position)) }
            if let key = record.draft.key { keys.append(self.keys.key(key, on: record.draft.topic)) }
            arguments.append(record.draft.encoded)
            arguments.append(record.draft.key == nil ? "0" : "1")
            arguments.append(record.draft.key ?? "")
            arguments.append(record.healedFrom?.entryID ?? "")
        }
        // An epoch's first tick is over after a tenth of a second; meanwhile another epoch may begin.
        while .now() < deadline {
            let reply = try await run(.append, keys: keys, arguments: arguments, by: deadline)
            switch try AppendReply.Outcome(reply, records: records.count) {
            case .wait(let milliseconds):
                do { try await ContinuousClock().sleep(for: .milliseconds(milliseconds)) } catch {
                    throw RedisFailure(.link, "the task was cancelled")
                }
            case .done(let reply):
                if reply.began {
                    logger.notice(
                        "an epoch of the log began",
                        metadata: ["head": "\(reply.state.head)", "predecessor": "\(reply.state.predecessor)"])
                }
                return reply
            }
        }
        throw RedisFailure(.timeOut, "the log's epoch did not begin in time")
    }
}
