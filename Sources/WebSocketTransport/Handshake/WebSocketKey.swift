import Crypto
import NIOCore

/// The key of the opening handshake and the answer to it (RFC 6455 section 4.2.2, 5.4).
enum WebSocketKey {
    /// Base64 of the SHA-1 of the key and the protocol's GUID.
    static func answer(to key: String) -> String {
        var hash = Insecure.SHA1()
        for part in [key, "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"] {
            Array(part.utf8).withUnsafeBytes { hash.update(bufferPointer: $0) }
        }
        return base64(Array(hash.finalize()))
    }

    /// Whether it is the base64 of 16 bytes: 22 characters of the alphabet and `==`.
    static func isValid(_ key: String) -> Bool {
        let bytes = Array(key.utf8)
        guard bytes.count == 24, bytes[22] == UInt8(ascii: "="), bytes[23] == UInt8(ascii: "=") else { return false }
        return bytes[..<22].allSatisfy { alphabet.contains($0) }
    }

    /// A fresh key of 16 random bytes.
    static func random() -> String {
        base64((0..<16).map { _ in UInt8.random(in: .min ... .max) })
    }

    private static let alphabet = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/".utf8)

    private static func base64(_ bytes: [UInt8]) -> String {
        var text: [UInt8] = []
        text.reserveCapacity((bytes.count + 2) / 3 * 4)
        for start in stride(from: 0, to: bytes.count, by: 3) {
            let group = bytes[start..<min(start + 3, bytes.count)]
            var bits = group.reduce(UInt32(0)) { $0 << 8 | UInt32($1) }
            bits <<= UInt32(8 * (3 - group.count))
            for position in 0..<4 {
                if position <= group.count {
                    text.append(alphabet[Int(bits >> UInt32(18 - 6 * position) & 63)])
                } else {
                    text.append(UInt8(ascii: "="))
                }
            }
        }
        return String(decoding: text, as: UTF8.self)
    }
}
