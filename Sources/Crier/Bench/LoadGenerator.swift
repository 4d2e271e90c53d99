import NIOCore
import NIOPosix
import WebSocketTransport

/// Carries a load plan out: connects, publishes, measures.
struct LoadGenerator: Sendable {
    /// Sockets that are being opened at once.
    private static let opening = 64

    let plan: LoadPlan
    let eventLoops: MultiThreadedEventLoopGroup

    private typealias Publisher = WebSocketClientConnection<LoadPublisher>

    func run() async throws -> LoadReport {
        let tally = LoadTally()
        let before = try await ServerProbe.read(plan.servers)
        let began = ContinuousClock.now
        let connections = try await connect(tally)
        let connecting = ContinuousClock.now - began
        defer { for connection in connections { connection.close(promise: nil) } }
        try await allSubscribed(tally)
        let idle = try await ServerProbe.read(plan.servers)
        let publishers = try await openPublishers(tally)
        defer { for publisher in publishers { publisher.channel.close(promise: nil) } }

        var published = try await publish(by: publishers, tally, from: 0, for: 1)
        _ = tally.takeLatencies()
        let start = try await ServerProbe.read(plan.servers)
        let startDelivered = tally.total
        let startCPU = ProcessTime.cpuSeconds
        let measuring = ContinuousClock.now
        published = try await publish(by: publishers, tally, from: published, for: plan.seconds)
        let elapsed = ContinuousClock.now - measuring
        let end = try await ServerProbe.read(plan.servers)
        let delivered = tally.total
        return LoadReport(
            plan: plan, counts: tally.current, delivered: delivered - startDelivered,
            missing: published * plan.sockets - delivered, elapsed: elapsed.inSeconds,
            connecting: connecting.inSeconds, serverCPU: end.cpuSeconds - start.cpuSeconds,
            toolCPU: (ProcessTime.cpuSeconds - startCPU) / Double(eventLoops.loopCount),
            idleBytes: (idle.residentBytes - before.residentBytes) / Double(plan.sockets),
            latencies: tally.takeLatencies())
    }

    private func connect(_ tally: LoadTally) async throws -> [any Channel] {
        try await withThrowingTaskGroup(of: (any Channel).self) { group in
            var connections: [any Channel] = []
            connections.reserveCapacity(plan.sockets)
            for index in 0..<plan.sockets {
                if index >= Self.opening, let connection = try await group.next() {
                    connections.append(connection)
                    StandardStreams.progress("sockets", connections.count, of: plan.sockets)
                }
                group.addTask { try await self.open(tally, on: plan.servers[index % plan.servers.count]) }
            }
            for try await connection in group { connections.append(connection) }
            return connections
        }
    }

    private func open(_ tally: LoadTally, on server: ServerURL) async throws -> any Channel {
        let (host, port) = server.endpoint
        let topic = plan.topic
        let eventLoop = eventLoops.next()
        let opened = eventLoop.makePromise(of: Void.self)
        do {
            let channel = try await ClientBootstrap(group: eventLoop)
                .channelOption(.maxMessagesPerRead, value: 16)
                .channelInitializer { channel in
                    channel.eventLoop.makeCompletedFuture {
                        try channel.pipeline.syncOperations.addHandler(
                            LoadSocket(tally, host: "\(host):\(port)", topic: topic, opened: opened))
                    }
                }
                .connect(host: host, port: port).get()
            try await opened.futureResult.get()
            return channel
        } catch {
            opened.fail(error)
            throw error as? LoadFailure ?? LoadFailure(description: "cannot connect to \(server): \(error)")
        }
    }

    /// One socket that publishes for each server.
    private func openPublishers(_ tally: LoadTally) async throws -> [Publisher] {
        let topic = plan.topic
        var publishers: [Publisher] = []
        for server in plan.servers {
            let (host, port) = server.endpoint
            do {
                publishers.append(
                    try await connectWebSocket(host: host, port: port, path: "/ws", on: eventLoops) { _ in
                        LoadPublisher(tally, topic: topic)
                    })
            } catch {
                throw LoadFailure(description: "cannot open a publisher's socket to \(server): \(error)")
            }
        }
        return publishers
    }

    private func allSubscribed(_ tally: LoadTally) async throws {
        let deadline = ContinuousClock.now + .seconds(30)
        while tally.current.subscribed < plan.sockets {
            if ContinuousClock.now > deadline || tally.current.closed > 0 {
                let counts = tally.current
                throw LoadFailure(
                    description: "\(counts.subscribed) of \(plan.sockets) sockets are subscribed; \(counts.complaints)")
            }
            try await ContinuousClock().sleep(for: .milliseconds(5))
        }
    }

    /// Publishes for so many seconds and waits until everything arrived.
    ///
    /// - Returns: the number of the next alert.
    private func publish(
        by publishers: [Publisher], _ tally: LoadTally, from first: Int, for seconds: Int
    ) async throws -> Int {
        let start = NIODeadline.now()
        let end = start + .seconds(Int64(seconds))
        var number = first
        var shown = 0
        var turn = 0
        while NIODeadline.now() < end {
            let due = due(number - first, since: start, tally, number)
            if due.isEmpty {
                try await ContinuousClock().sleep(for: .microseconds(50))
            } else {
                try await publishers[turn % publishers.count].withSession { session in
                    for time in due { session.publish(due: time, payload: plan.payload) }
                }
                turn += 1
                number += due.count
            }
            let passed = Int((NIODeadline.now() - start).nanoseconds / 1_000_000_000)
            if passed > shown {
                shown = passed
                StandardStreams.progress("seconds", passed, of: seconds)
            }
            if tally.current.closed > 0 { break }
        }
        let bound = NIODeadline.now() + .seconds(10)
        while tally.total < number * plan.sockets && .now() < bound && tally.current.closed == 0 {
            try await ContinuousClock().sleep(for: .milliseconds(1))
        }
        return number
    }

    /// When each of the alerts that are due now was due: by the rate, or as many as may be on their way.
    private func due(_ published: Int, since start: NIODeadline, _ tally: LoadTally, _ number: Int) -> [NIODeadline] {
        let now = NIODeadline.now()
        guard let rate = plan.rate else {
            let arrived = tally.total / plan.sockets
            return Array(repeating: now, count: max(0, arrived + plan.inFlight - number))
        }
        let due = Int((now - start).nanoseconds * Int64(rate) / 1_000_000_000) + 1
        return (published..<max(published, min(due, published + 128))).map { index in
            start + .nanoseconds(Int64(index) * 1_000_000_000 / Int64(rate))
        }
    }
}

extension MultiThreadedEventLoopGroup {
    fileprivate var loopCount: Int {
        var iterator = makeIterator()
        var count = 0
        while iterator.next() != nil { count += 1 }
        return count
    }
}

extension Duration {
    fileprivate var inSeconds: Double { Double(components.seconds) + Double(components.attoseconds) / 1e18 }
}
