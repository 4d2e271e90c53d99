import NIOConcurrencyHelpers
import NIOCore

/// What one address may do: alerts a second, handshakes a second, sockets at once.
///
/// Bounded by `capacity` addresses; overflow policy: addresses that have no socket and full buckets are forgotten first, then new addresses
/// share one entry.
final class AddressLimits: Sendable {
    struct Limits: Sendable {
        var alerts: Rate
        var handshakes: Rate
        var sockets: Int
    }

    private struct Entry {
        var alerts: TokenBucket
        var handshakes: TokenBucket
        var sockets = 0
    }

    private static let shared = ClientAddress(text: "all other addresses")

    private let limits: Limits?
    private let capacity: Int
    private let entries = NIOLockedValueBox<[ClientAddress: Entry]>([:])

    /// - Parameter limits: `nil` lifts them all.
    init(_ limits: Limits?, capacity: Int = 100_000) {
        self.limits = limits
        self.capacity = capacity
    }

    /// Counts alerts that an address publishes.
    func admitAlerts(_ count: Int = 1, from address: ClientAddress, now: NIODeadline = .now()) throws(GatewayError) {
        guard let limits else { return }
        let wait = withEntry(address, limits, now) { $0.alerts.take(count, of: limits.alerts, now: now) }
        guard wait == 0 else {
            throw GatewayError(
                .publishRate, "this address may publish \(limits.alerts.perSecond) alerts a second", retryAfter: wait)
        }
    }

    /// Counts a handshake and takes a place for the socket; `release` gives it back.
    func admitSocket(from address: ClientAddress, now: NIODeadline = .now()) throws(GatewayError) {
        guard let limits else { return }
        let refusal = withEntry(address, limits, now) { entry -> GatewayError? in
            let wait = entry.handshakes.take(of: limits.handshakes, now: now)
            if wait > 0 {
                return GatewayError(
                    .handshakeRate, "this address may open \(limits.handshakes.perSecond) sockets a second",
                    retryAfter: wait)
            }
            if entry.sockets >= limits.sockets {
                return GatewayError(
                    .tooManySockets, "this address may have \(limits.sockets) sockets at once", retryAfter: 30)
            }
            entry.sockets += 1
            return nil
        }
        if let refusal { throw refusal }
    }

    func release(_ address: ClientAddress) {
        guard limits != nil else { return }
        entries.withLockedValue { entries in
            let key = entries[address] == nil ? Self.shared : address
            if let sockets = entries[key]?.sockets, sockets > 0 { entries[key]?.sockets = sockets - 1 }
        }
    }

    private func withEntry<Result: Sendable>(
        _ address: ClientAddress, _ limits: Limits, _ now: NIODeadline, _ body: (inout Entry) -> Result
    ) -> Result {
        entries.withLockedValue { entries in
            var key = address
            if entries[key] == nil && entries.count >= capacity {
                Self.forgetIdle(&entries, limits, now)
                if entries.count >= capacity { key = Self.shared }
            }
            return body(
                &entries[
                    key,
                    default: Entry(
                        alerts: TokenBucket(limits.alerts, now: now),
                        handshakes: TokenBucket(limits.handshakes, now: now))])
        }
    }

    private static func forgetIdle(_ entries: inout [ClientAddress: Entry], _ limits: Limits, _ now: NIODeadline) {
        entries = entries.filter { item in
            var entry = item.value
            return entry.sockets > 0 || !entry.alerts.isFull(limits.alerts, now: now)
                || !entry.handshakes.isFull(limits.handshakes, now: now)
        }
    }
}
