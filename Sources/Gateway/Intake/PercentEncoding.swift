/// Percent-encoding (RFC 3986 section 2.1). A `%` that no two hex digits follow stands for itself.
enum PercentEncoding {
    /// - Parameter plusIsSpace: as forms and queries have it.
    static func decode(_ text: some Collection<UInt8>, plusIsSpace: Bool = false) -> [UInt8] {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(text.count)
        var index = text.startIndex
        while index != text.endIndex {
            let byte = text[index]
            index = text.index(after: index)
            if byte == UInt8(ascii: "%"), let value = hexPair(text[index...]) {
                bytes.append(value)
                index = text.index(index, offsetBy: 2)
            } else {
                bytes.append(byte == UInt8(ascii: "+") && plusIsSpace ? UInt8(ascii: " ") : byte)
            }
        }
        return bytes
    }

    private static func hexPair(_ text: some Collection<UInt8>) -> UInt8? {
        let digits = text.prefix(2).compactMap(hex)
        return digits.count == 2 ? digits[0] << 4 | digits[1] : nil
    }

    private static func hex(_ byte: UInt8) -> UInt8? {
        switch byte {
        case UInt8(ascii: "0")...UInt8(ascii: "9"): byte - UInt8(ascii: "0")
        case UInt8(ascii: "a")...UInt8(ascii: "f"): byte - UInt8(ascii: "a") + 10
        case UInt8(ascii: "A")...UInt8(ascii: "F"): byte - UInt8(ascii: "A") + 10
        default: nil
        }
    }
}
