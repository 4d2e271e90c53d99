import CrierTesting
import MessageBus
import Testing

@testable import GoogleBus

/// What a subscription hands over, until a bound.
struct Reading {
    var alerts: [Alert] = []
    var losses: [Loss] = []
    var absences = 0
    var hasEnded = false

    var bodies: [String] { alerts.map(\.draft.content.message) }
    var positions: [Position] { alerts.map(\.position) }
}

struct NothingCame: Error, CustomStringConvertible {
    let description: String
}

/// Reads until something is so, for `bound` at most.
func read(
    _ subscription: any Subscription, within bound: Duration = .seconds(60),
    until isEnough: @escaping @Sendable (Reading) -> Bool
) async throws -> Reading {
    try await withThrowingTaskGroup(of: Reading.self) { group in
        group.addTask {
            var reading = Reading()
            while !isEnough(reading) && !reading.hasEnded {
                switch try await subscription.next(limit: 100) {
                case .alerts(let alerts): reading.alerts += alerts
                case .lost(let loss): reading.losses.append(loss)
                case .away: reading.absences += 1
                case .back: break
                case nil: reading.hasEnded = true
                }
                try Task.checkCancellation()
            }
            return reading
        }
        group.addTask {
            try await ContinuousClock().sleep(for: bound)
            throw NothingCame(description: "not within \(bound)")
        }
        defer { group.cancelAll() }
        guard let reading = try await group.next() else { throw NothingCame(description: "nothing") }
        return reading
    }
}

/// Waits until something holds.
func eventually(_ what: String, within bound: Duration = .seconds(60), _ holds: () async throws -> Bool) async throws {
    let deadline = ContinuousClock.now + bound
    while try await !holds() {
        if .now >= deadline { throw NothingCame(description: "\(what): not within \(bound)") }
        try await ContinuousClock().sleep(for: .milliseconds(20))
    }
}

/// Publishes as clients do: again, with the same key, until the bus takes it.
@discardableResult
func publish(_ bodies: [String], on bus: any MessageBus, within bound: Duration = .seconds(60)) async throws
    -> [Position]
{
    let deadline = ContinuousClock.now + bound
    let drafts = bodies.map { draft($0, key: $0) }
    while true {
        do { return try await bus.publish(drafts).map(\.position) } catch {
            if .now >= deadline { throw error }
            try await ContinuousClock().sleep(for: .milliseconds(50))
        }
    }
}
