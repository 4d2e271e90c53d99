/// Checks UTF-8 that comes in pieces, and fails at the first byte that no continuation can repair (RFC 3629 section 4).
struct UTF8Validator: Sendable {
    /// Continuation bytes that the character begun last still needs.
    private var needed: UInt8 = 0
    /// The range of the next continuation byte; narrower than 80…BF after E0, ED, F0 and F4, which rules out overlong forms,
    /// surrogates and code points past U+10FFFF.
    private var lowest: UInt8 = 0x80
    private var highest: UInt8 = 0xBF

    /// Whether the bytes so far end where a character ends.
    var isComplete: Bool { needed == 0 }

    /// Takes the next bytes; `false` if they make the whole invalid, after which the validator must not be used again.
    mutating func consume(_ bytes: UnsafeRawBufferPointer) -> Bool {
        var index = 0
        let count = bytes.count
        while index < count {
            if needed == 0 {
                while index &+ 8 <= count,
                    bytes.loadUnaligned(fromByteOffset: index, as: UInt64.self) & 0x8080_8080_8080_8080 == 0
                {
                    index &+= 8
                }
                guard index < count else { return true }
                let byte = bytes[index]
                index &+= 1
                if byte >= 0x80, !begin(byte) { return false }
            } else {
                let byte = bytes[index]
                index &+= 1
                guard byte >= lowest, byte <= highest else { return false }
                lowest = 0x80
                highest = 0xBF
                needed &-= 1
            }
        }
        return true
    }

    private mutating func begin(_ byte: UInt8) -> Bool {
        switch byte {
        case 0xC2...0xDF:
            needed = 1
        case 0xE0...0xEF:
            needed = 2
            if byte == 0xE0 { lowest = 0xA0 }
            if byte == 0xED { highest = 0x9F }
        case 0xF0...0xF4:
            needed = 3
            if byte == 0xF0 { lowest = 0x90 }
            if byte == 0xF4 { highest = 0x8F }
        default:
            return false
        }
        return true
    }
}
