import Crypto

/// An idempotency key made of what a format says is unique.
enum KeyDigest {
    /// The first 128 bits of the parts' SHA-256, under a prefix that no two formats share.
    static func key(_ prefix: String, _ parts: [String]) -> String {
        var hash = SHA256()
        for part in parts {
            hash.update(data: Array("\(part.utf8.count):".utf8))
            hash.update(data: Array(part.utf8))
        }
        let hex = hash.finalize().prefix(16).map { byte in
            let digits = String(byte, radix: 16)
            return digits.count == 1 ? "0" + digits : digits
        }
        return prefix + "-" + hex.joined()
    }
}
