import Histogram
import NIOCore
import NIOPosix
import Synchronization
import WebSocketTransport

/// Carries a load plan out: connects, publishes, measures.
struct LoadGenerator: Sendable {
    /// Sockets that are being opened at once.
    private static let opening = 64

    let plan: LoadPlan
    let eventLoops: MultiThreadedEventLoopGroup

    private typealias Connection = WebSocketClientConnection<LoadSession>

    func run() async throws -> LoadReport {
        let tally = LoadTally()
        let before = try await ServerProbe.read(plan.server)
        let began = ContinuousClock.now
        let connections = try await connect(tally)
        let connecting = ContinuousClock.now - began
        defer { for connection in connections { connection.channel.close(promise: nil) } }
        try await allSubscribed(tally)
        let idle = try await ServerProbe.read(plan.server)
        let publisher = try await open(LoadTally(), isSubscriber: false)
        defer { publisher.channel.close(promise: nil) }

        var published = try await publish(by: publisher, tally, from: 0, for: 1)
        _ = tally.takeLatencies()
        let start = try await ServerProbe.read(plan.server)
        let startDelivered = tally.total
        let startCPU = ProcessTime.cpuSeconds
        let measuring = ContinuousClock.now
        published = try await publish(by: publisher, tally, from: published, for: plan.seconds)
        let elapsed = ContinuousClock.now - measuring
        let end = try await ServerProbe.read(plan.server)
        let counts = tally.current
        return LoadReport(
            plan: plan, counts: counts, delivered: counts.delivered - startDelivered,
            missing: published * plan.sockets - counts.delivered, elapsed: elapsed.inSeconds,
            connecting: connecting.inSeconds, serverCPU: end.cpuSeconds - start.cpuSeconds,
            toolCPU: (ProcessTime.cpuSeconds - startCPU) / Double(eventLoops.loopCount),
            idleBytes: (idle.residentBytes - before.residentBytes) / Double(plan.sockets),
            latencies: tally.takeLatencies())
    }

    private func connect(_ tally: LoadTally) async throws -> [Connection] {
        try await withThrowingTaskGroup(of: Connection.self) { group in
            var connections: [Connection] = []
            connections.reserveCapacity(plan.sockets)
            for index in 0..<plan.sockets {
                if index >= Self.opening, let connection = try await group.next() {
                    connections.append(connection)
                    StandardStreams.progress("sockets", connections.count, of: plan.sockets)
                }
                group.addTask { try await self.open(tally, isSubscriber: true) }
            }
            for try await connection in group { connections.append(connection) }
            return connections
        }
    }

    private func open(_ tally: LoadTally, isSubscriber: Bool) async throws -> Connection {
        let (host, port) = plan.server.endpoint
        do {
            return try await connectWebSocket(host: host, port: port, path: "/ws", on: eventLoops) { _ in
                LoadSession(tally, topic: plan.topic, isSubscriber: isSubscriber)
            }
        } catch let error as WebSocketConnectError {
            throw LoadFailure(description: "a socket was refused: \(error)")
        } catch {
            throw LoadFailure(description: "cannot connect to \(plan.server): \(error)")
        }
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
    private func publish(by publisher: Connection, _ tally: LoadTally, from first: Int, for seconds: Int) async throws
        -> Int
    {
        let start = NIODeadline.now()
        let end = start + .seconds(Int64(seconds))
        var number = first
        var shown = 0
        while NIODeadline.now() < end {
            let due = plan.rate.map { start + .nanoseconds(Int64(number - first) * 1_000_000_000 / Int64($0)) }
            let isDue = due.map { $0 <= .now() } ?? (tally.total >= (number - plan.inFlight + 1) * plan.sockets)
            if isDue {
                let next = number
                try await publisher.withSession { $0.publish(next, due: due ?? .now(), payload: plan.payload) }
                number += 1
            } else {
                try await ContinuousClock().sleep(for: .microseconds(50))
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
