import Crypto

/// What a browser holds of its session: 32 random bytes, which are nowhere kept but there. The store knows their hash only.
struct SessionSecret: Sendable, Equatable {
    static let cookie = "crier_session"
    private static let count = 32

    /// As the cookie has it: base 16.
    let text: String

    init() {
        var generator = SystemRandomNumberGenerator()
        text = Self.hex((0..<Self.count).map { _ in UInt8.random(in: .min ... .max, using: &generator) })
    }

    /// - Returns: `nil` where `text` is not a secret.
    init?(_ text: some StringProtocol) {
        guard text.utf8.count == 2 * Self.count, text.utf8.allSatisfy(Self.isHex) else { return nil }
        self.text = String(text)
    }

    /// The secret in a `Cookie` value (RFC 6265 section 4.2.1); of several the first.
    init?(inCookies value: String) {
        guard let text = Cookies.value(of: Self.cookie, in: value) else { return nil }
        self.init(text)
    }

    /// The session's key in the store.
    var key: SessionKey { SessionKey(hash: Self.hex(SHA256.hash(data: Array(text.utf8)))) }

    private static func hex(_ bytes: some Sequence<UInt8>) -> String {
        let digits = Array("0123456789abcdef".utf8)
        return String(decoding: bytes.flatMap { [digits[Int($0 >> 4)], digits[Int($0 & 15)]] }, as: UTF8.self)
    }

    private static func isHex(_ byte: UInt8) -> Bool {
        (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) || (UInt8(ascii: "a")...UInt8(ascii: "f")).contains(byte)
    }
}

/// A session's name among the VMs, which gives nobody its secret.
struct SessionKey: Hashable, Sendable {
    let text: String

    /// - Parameter hash: SHA-256 of the secret in base 16.
    fileprivate init(hash: String) { text = hash }

    /// Reads what another VM wrote.
    init?(_ text: String) {
        guard SessionSecret(text) != nil else { return nil }
        self.text = text
    }
}
