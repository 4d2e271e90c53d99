import NIOCore

/// How often an address may try to sign in, so that a password cannot be guessed.
struct SignInLimits: Sendable {
    private let addresses: AddressLimits

    /// - Parameter isOn: `false` lifts the rate.
    init(isOn: Bool) {
        let rate = Rate(perSecond: 1, burst: 20)
        addresses = AddressLimits(isOn ? AddressLimits.Limits(alerts: rate, handshakes: rate, sockets: .max) : nil)
    }

    func admitAttempt(from address: ClientAddress, now: NIODeadline = .now()) throws(GatewayError) {
        do { try addresses.admitAlerts(from: address, now: now) } catch {
            throw GatewayError(.signInRate, "too many attempts to sign in", retryAfter: error.retryAfter)
        }
    }
}
