import Crypto

/// The name that the server gives to whoever raises an alert.
///
/// Someone who did not say who they are is a guest, with a name that is the same for the same address while this process runs and does not
/// give the address away (HMAC-SHA256 under a key that only this process knows).
struct SenderNames: Sendable {
    private let key = SymmetricKey(size: .bits256)

    /// A publisher that gave the publish token.
    static let publisher = "publisher"

    func guest(at address: ClientAddress) -> String {
        let code = HMAC<SHA256>.authenticationCode(for: Array(address.description.utf8), using: key)
        let alphabet = Array("0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz")
        return "guest-" + String(code.prefix(6).map { alphabet[Int($0) % alphabet.count] })
    }
}
