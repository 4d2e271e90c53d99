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

/// Reads until something is so, for `bound` at most.
func read(
    _ subscription: any Subscription, within bound: Duration = .patience,
    until isEnough: @escaping @Sendable (Reading) -> Bool
) async throws -> Reading {
    try await within(bound) {
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
}

/// Publishes as clients do: again, with the same key, until the bus takes it.
@discardableResult
func publish(_ bodies: [String], on bus: any MessageBus) async throws -> [Position] {
    let drafts = bodies.map { draft($0, key: $0) }
    return try await insist(pausing: .milliseconds(50)) { try await bus.publish(drafts).map(\.position) }
}
