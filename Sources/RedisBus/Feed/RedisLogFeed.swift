import Logging
public import MessageBus
import NIOCore
import NIOPosix

/// A subscription's two connections: one that waits in reads, one that is subscribed to the VM's own channel.
///
/// Where the server does not let reads wait, they look again on each hint that the log went on, and twice a second.
public final class RedisLogFeed: LogFeed {
    /// What a read may take besides its wait, and the most that it may take to connect.
    private static let grace = TimeAmount.milliseconds(2900)
    /// How often is looked where reads may not wait and no hint came.
    private static let pollInterval = TimeAmount.milliseconds(500)

    private let keys: RedisKeys
    private let channel: String
    private let hearing: FeedHearing
    private let commands: RedisLink
    private let reader: RedisLink
    private let ear: RedisLink
    private let trial: WaitingTrial
    private let logger: Logger

    /// - Parameter offersWaiting: whether reads may wait; `nil` where it is to be tried.
    init(
        of vm: VMIdentity, keys: RedisKeys, connector: RedisConnector, commands: RedisLink, offersWaiting: Bool?,
        logger: Logger
    ) {
        let hearing = FeedHearing(boot: vm.boot, namespace: keys.namespace, hint: keys.hint)
        let trial = WaitingTrial(offersWaiting)
        let channel = vm.subscription.name
        self.keys = keys
        self.channel = channel
        self.hearing = hearing
        self.commands = commands
        self.trial = trial
        self.logger = logger
        reader = RedisLink(connector, logger: logger) { connection, deadline throws(RedisFailure) in
            try await trial.run(on: connection, absentStream: keys.absent, by: deadline)
        }
        let subscribe: RedisLink.Preparation = { connection, deadline throws(RedisFailure) in
            var subscriptions = [RedisCommand("SUBSCRIBE", channel)]
            if trial.offersWaiting == false { subscriptions.append(RedisCommand("SUBSCRIBE", keys.hint)) }
            for case .error(let text) in try await connection.send(subscriptions, by: deadline) {
                throw RedisFailure(refusal: text)
            }
            // Whoever took the name while nobody listened was not heard.
            let holder = try await commands.send(RedisCommand("HGET", keys.vm(vm.subscription), "boot"), by: deadline)
            if let holder = holder.text { hearing.learn(holder: holder) }
        }
        ear = RedisLink(connector, logger: logger, onMessage: { hearing.hear($0) }, prepare: subscribe)
    }

    /// Makes both connections.
    ///
    /// - Returns: whether reads may wait.
    func open(by deadline: NIODeadline) async throws(RedisFailure) -> Bool {
        _ = try await reader.connection(by: deadline)
        _ = try await ear.connection(by: deadline)
        let offersWaiting = trial.offersWaiting ?? false
        if !offersWaiting {
            logger.notice("Redis does not let reads wait here: alerts come by hints, and by looking twice a second")
        }
        return offersWaiting
    }

    public func read(after cursor: Position, limit: Int, wait: Duration) async throws(BusError) -> LogReading {
        let end = NIODeadline.now() + max(.zero, TimeAmount(wait))
        let result = await withTaskCancellationHandler {
            await attempt(after: cursor, limit: max(1, limit), until: end)
        } onCancel: {
            hearing.interrupt()
        }
        if hearing.isSuperseded { return .superseded }
        switch result {
        case .success(let alerts): return alerts.isEmpty ? .nothing : .alerts(alerts)
        case .failure(let failure):
            if hearing.isClosed { throw FeedHearing.closed.busError }
            if Task.isCancelled { return .nothing }
            throw failure.busError
        }
    }

    public func probe(within bound: Duration) async throws(BusError) {
        let deadline = NIODeadline.now() + TimeAmount(bound)
        do throws(RedisFailure) {
            let ears = try await ear.connection(by: deadline)
            do throws(RedisFailure) { try await hearProbe(by: deadline) } catch {
                // The next read or probe subscribes anew.
                if error.kind == .timeOut { ears.close() }
                throw error
            }
        } catch {
            throw BusError(.unavailable, error.message, retryAfter: 1)
        }
    }

    public func close() async {
        hearing.close()
        await reader.close()
        await ear.close()
    }
}

// Reading.
extension RedisLogFeed {
    private func attempt(
        after cursor: Position, limit: Int, until end: NIODeadline
    ) async -> Result<[StoredAlert], RedisFailure> {
        do throws(RedisFailure) {
            let deadline = end + Self.grace
            _ = try await ear.connection(by: deadline)
            let connection = try await reader.connection(by: deadline)
            defer { hearing.endReading() }
            if trial.offersWaiting == true {
                return .success(try await wait(on: connection, after: cursor, limit: limit, until: end))
            }
            return .success(try await poll(connection, after: cursor, limit: limit, until: end))
        } catch {
            return .failure(error)
        }
    }

    private func wait(
        on connection: RedisConnection, after cursor: Position, limit: Int, until end: NIODeadline
    ) async throws(RedisFailure) -> [StoredAlert] {
        try hearing.begin(on: connection)
        // A wait of 0 would have no end.
        let wait = max(1, (end - .now()).nanoseconds / 1_000_000)
        let command = RedisCommand(
            "XREAD", "COUNT", String(limit), "BLOCK", String(wait), "STREAMS", keys.log, cursor.entryID)
        return try StreamReading.entries(ofRead: try await connection.send(command, by: end + Self.grace))
    }

    /// By XRANGE: who may not let reads wait may not use XREAD at all, since it is among the commands that Redis counts as waiting.
    private func poll(
        _ connection: RedisConnection, after cursor: Position, limit: Int, until end: NIODeadline
    ) async throws(RedisFailure) -> [StoredAlert] {
        let command = RedisCommand(
            "XRANGE", keys.log, "\(cursor.epoch)-\(cursor.offset + 1)", "+", "COUNT", String(limit))
        while true {
            try hearing.begin(on: connection)
            let alerts = try StreamReading.entries(
                ofRange: try await connection.send(command, by: min(end, .now()) + Self.grace))
            let now = NIODeadline.now()
            if !alerts.isEmpty || now >= end { return alerts }
            await hearing.sleep(
                until: min(end, now + Self.pollInterval), on: MultiThreadedEventLoopGroup.singleton.any())
        }
    }
}

// Probing.
extension RedisLogFeed {
    private func hearProbe(by deadline: NIODeadline) async throws(RedisFailure) {
        let eventLoop = MultiThreadedEventLoopGroup.singleton.any()
        let heard = eventLoop.makePromise(of: Void.self)
        let timer = eventLoop.scheduleTask(deadline: deadline) {
            heard.fail(RedisFailure(.timeOut, "Redis does not carry what is published on a channel"))
        }
        let nonce = String(UInt64.random(in: 0 ... .max), radix: 16)
        let channels = trial.offersWaiting == false ? [channel, keys.hint] : [channel]
        defer {
            hearing.forget(nonce)
            timer.cancel()
            heard.fail(FeedHearing.closed)
        }
        guard hearing.expect(nonce, on: Set(channels), heard: heard) else { throw FeedHearing.closed }
        for channel in channels {
            let word = VMWord.probe(nonce: nonce).text(in: keys.namespace)
            _ = try await commands.send(RedisCommand("PUBLISH", channel, word), by: deadline)
        }
        do { try await heard.futureResult.get() } catch let failure as RedisFailure { throw failure } catch {
            throw RedisFailure(.link, "\(error)")
        }
    }
}
