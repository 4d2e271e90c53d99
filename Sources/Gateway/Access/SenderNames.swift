import Crypto
import NIOConcurrencyHelpers

/// The name that the server gives to whoever raises an alert.
///
/// Someone who did not say who they are is a guest, with a name that is the same for the same address while this process runs and does not
/// give the address away (HMAC-SHA256 under a key that only this process knows).
struct SenderNames: Sendable {
    private let key = SymmetricKey(size: .bits256)
    /// The one found last: a busy publisher asks for its own again and again.
    private let last = NIOLockedValueBox<(address: ClientAddress, name: String)?>(nil)

    /// A publisher that gave the publish token.
    static let publisher = "publisher"
    static let guestPrefix = "guest-"

    /// The name of whoever makes a request.
    func name(of identity: Identity, at address: ClientAddress) -> String {
        switch identity.standing {
        case .anonymous: guest(at: address)
        case .publisher: Self.publisher
        case .user(let name): name
        }
    }

    func guest(at address: ClientAddress) -> String {
        if let last = last.withLockedValue({ $0 }), last.address == address { return last.name }
        let name = derive(address)
        last.withLockedValue { $0 = (address, name) }
        return name
    }

    private func derive(_ address: ClientAddress) -> String {
        let code = HMAC<SHA256>.authenticationCode(for: Array(address.description.utf8), using: key)
        let alphabet = Array("0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz")
        return Self.guestPrefix + String(code.prefix(6).map { alphabet[Int($0) % alphabet.count] })
    }
}
