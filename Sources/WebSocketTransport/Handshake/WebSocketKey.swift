import Crypto
import NIOCore

/// The key of the opening handshake and the answer to it (RFC 6455 section 4.2.2, 5.4).
enum WebSocketKey {
    /// Base64 of the SHA-1 of the key and the protocol's GUID.
    static func answer(to key: String) -> String {
        HandshakeFields.withBytes(of: key) { answer(to: $0) }
    }

    /// The same.
    static func answer(to key: UnsafeBufferPointer<UInt8>) -> String {
        var hash = Insecure.SHA1()
        hash.update(bufferPointer: UnsafeRawBufferPointer(key))
        let guid: StaticString = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
        hash.update(bufferPointer: UnsafeRawBufferPointer(start: guid.utf8Start, count: guid.utf8CodeUnitCount))
        return hash.finalize().withUnsafeBytes { base64($0) }
    }

    /// Whether it is the base64 of 16 bytes: 22 characters of the alphabet and `==`.
    static func isValid(_ key: UnsafeBufferPointer<UInt8>) -> Bool {
        key.count == 24 && key[22] == UInt8(ascii: "=") && key[23] == UInt8(ascii: "=")
            && key[..<22].allSatisfy { byte in
                switch byte {
                case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                    UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "+"), UInt8(ascii: "/"):
                    true
                default: false
                }
            }
    }

    /// A fresh key of 16 random bytes.
    static func random() -> String {
        (0..<16).map { _ in UInt8.random(in: .min ... .max) }.withUnsafeBytes { base64($0) }
    }

    private static let alphabet: StaticString = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"

    /// RFC 4648 section 4.
    private static func base64(_ bytes: UnsafeRawBufferPointer) -> String {
        String(unsafeUninitializedCapacity: (bytes.count + 2) / 3 * 4) { text in
            var end = 0
            for start in stride(from: 0, to: bytes.count, by: 3) {
                let count = min(3, bytes.count - start)
                var bits: UInt32 = 0
                for place in 0..<3 { bits = bits << 8 | (place < count ? UInt32(bytes[start + place]) : 0) }
                for place in 0..<4 {
                    let letter = alphabet.utf8Start[Int(bits >> UInt32(18 - 6 * place) & 63)]
                    text[end] = place <= count ? letter : UInt8(ascii: "=")
                    end += 1
                }
            }
            return end
        }
    }
}
