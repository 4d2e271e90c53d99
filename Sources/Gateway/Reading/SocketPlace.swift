/// A socket's place among those that its address may have. Given back when the socket is gone.
final class SocketPlace {
    private let addresses: AddressLimits
    let address: ClientAddress
    private var isHeld = true

    /// Counts the handshake and takes a place.
    init(_ addresses: AddressLimits, _ address: ClientAddress) throws(GatewayError) {
        try addresses.admitSocket(from: address)
        self.addresses = addresses
        self.address = address
    }

    func release() {
        guard isHeld else { return }
        isHeld = false
        addresses.release(address)
    }
}

@available(*, unavailable)
extension SocketPlace: Sendable {}
