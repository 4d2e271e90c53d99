import CrierTesting
import MessageBus
import NIOConcurrencyHelpers
import StrictJSON

/// Publishers that together raise a number of alerts at an even rate, and repeat each with its key until it is acknowledged.
final class PublisherFleet: Sendable {
    private struct State {
        var next = 0
        var probes = 0
        var receipts: [Int: Set<Position>] = [:]
        var retries = 0
    }

    /// How many alerts are to be raised.
    let alerts: Int
    private let padding: Int
    private let targets: ReaderTargets
    /// Makes the keys of this run its own.
    private let run: String
    private let state = NIOLockedValueBox(State())

    /// - Parameter padding: bytes that each text is longer.
    init(alerts: Int, padding: Int, targets: ReaderTargets, run: String) {
        self.alerts = alerts
        self.padding = padding
        self.targets = targets
        self.run = run
    }

    /// How many alerts may stand in the log: numbers from 0.
    var attempted: Int { alerts + state.withLockedValue { $0.probes } }
    /// How many alerts were taken up, out of ``alerts``.
    var taken: Int { state.withLockedValue { $0.next } }
    var receipts: [Int: Set<Position>] { state.withLockedValue { $0.receipts } }
    /// How often something was repeated.
    var retries: Int { state.withLockedValue { $0.retries } }

    /// One receipt of each acknowledged alert.
    var acknowledged: [(number: Int, position: Position)] {
        state.withLockedValue { state in
            state.receipts.compactMap { number, positions in positions.min().map { (number, $0) } }
        }
    }

    /// Publishes all alerts.
    ///
    /// - Parameters:
    ///   - duration: how long it would take if nothing failed.
    ///   - publishers: at most so many alerts are on their way at once.
    func publish(over duration: Duration, publishers: Int = 32) async throws {
        let start = ContinuousClock.now
        let interval = duration / max(1, alerts)
        try await withThrowingTaskGroup(of: Void.self) { group in
            for _ in 0..<publishers {
                group.addTask { try await self.publish(from: start, every: interval) }
            }
            // The first failure ends the others.
            while try await group.next() != nil {}
        }
    }

    private func publish(from start: ContinuousClock.Instant, every interval: Duration) async throws {
        var line: (connection: RawConnection, port: Int)?
        while let number = take() {
            try await ContinuousClock().sleep(until: start + interval * number)
            let deadline = ContinuousClock.now + .seconds(120)
            while !Task.isCancelled, ContinuousClock.now < deadline {
                do {
                    if line == nil, let port = targets.any() {
                        line = (try await RawConnection.connect(port: port), port)
                    }
                    guard let line else { throw CancellationError() }
                    if try await attempt(number, line).status == 200 { break }
                } catch {}
                // The next attempt goes to any VM.
                try? await line?.connection.close()
                line = nil
                state.withLockedValue { $0.retries += 1 }
                try await ContinuousClock().sleep(for: .milliseconds(Int.random(in: 10...500)))
            }
            // Now and then elsewhere, so that every VM is published through after it was away.
            if number % 8 == 0 {
                try? await line?.connection.close()
                line = nil
            }
        }
        try? await line?.connection.close()
    }

    /// A number for alerts beside the others, which need not be acknowledged; see ``attempt(_:_:)``.
    func takeProbe() -> Int {
        state.withLockedValue { state in
            state.probes += 1
            return alerts + state.probes - 1
        }
    }

    /// Tries to publish an alert once, and keeps the receipt.
    ///
    /// - Returns: the answer; status 200 acknowledges the alert.
    func attempt(_ number: Int, _ line: (connection: RawConnection, port: Int)) async throws -> HTTPReply {
        let reply = try await LoopbackHTTP.exchange(
            "POST", "/acceptance", port: line.port, headers: [("Idempotency-Key", "\(run)-\(number)")],
            body: AlertNumber.text(number, padding: padding), on: line.connection, within: .seconds(10))
        guard reply.status == 200 else { return reply }
        guard let id = try reply.object()["id"]?.stringValue, let position = Position(id: id) else {
            throw HTTPReply.Malformed(bytes: reply.body)
        }
        state.withLockedValue { _ = $0.receipts[number, default: []].insert(position) }
        return reply
    }

    private func take() -> Int? {
        state.withLockedValue { state in
            guard state.next < alerts else { return nil }
            state.next += 1
            return state.next - 1
        }
    }
}
