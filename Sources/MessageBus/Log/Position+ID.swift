/// The public id of a position: 12 base-62 characters, 6 for the epoch and 6 for the offset, most significant first.
///
/// The digits are `0-9A-Za-z` in ASCII order, so ids sort as text just as positions do. ntfy's clients give an id as `since` only where
/// it has 12 characters.
extension Position: CustomStringConvertible {
    public static let idLength = 12

    /// The id.
    public var id: String {
        String(unsafeUninitializedCapacity: Self.idLength) { buffer in
            Self.write(epoch, into: buffer, from: 0)
            Self.write(offset, into: buffer, from: 6)
            return Self.idLength
        }
    }

    public var description: String { id }

    /// - Returns: `nil` where `id` is not 12 base-62 characters.
    public init?(id: some StringProtocol) {
        guard id.utf8.count == Self.idLength else { return nil }
        var parts: (UInt64, UInt64) = (0, 0)
        for (index, byte) in id.utf8.enumerated() {
            guard let digit = Self.digit(byte) else { return nil }
            if index < 6 { parts.0 = parts.0 * 62 + digit } else { parts.1 = parts.1 * 62 + digit }
        }
        self.init(epoch: parts.0, offset: parts.1)
    }

    /// Appends the id's 12 characters.
    public func appendID(to bytes: inout [UInt8]) {
        withUnsafeTemporaryAllocation(of: UInt8.self, capacity: Self.idLength) { buffer in
            Self.write(epoch, into: buffer, from: 0)
            Self.write(offset, into: buffer, from: 6)
            bytes.append(contentsOf: buffer)
        }
    }

    private static func write(_ number: UInt64, into buffer: UnsafeMutableBufferPointer<UInt8>, from start: Int) {
        var rest = number
        for index in stride(from: start + 5, through: start, by: -1) {
            buffer.initializeElement(at: index, to: character(rest % 62))
            rest /= 62
        }
    }

    private static func character(_ digit: UInt64) -> UInt8 {
        switch digit {
        case 0..<10: UInt8(ascii: "0") + UInt8(digit)
        case 10..<36: UInt8(ascii: "A") + UInt8(digit - 10)
        default: UInt8(ascii: "a") + UInt8(digit - 36)
        }
    }

    private static func digit(_ byte: UInt8) -> UInt64? {
        switch byte {
        case UInt8(ascii: "0")...UInt8(ascii: "9"): UInt64(byte - UInt8(ascii: "0"))
        case UInt8(ascii: "A")...UInt8(ascii: "Z"): UInt64(byte - UInt8(ascii: "A")) + 10
        case UInt8(ascii: "a")...UInt8(ascii: "z"): UInt64(byte - UInt8(ascii: "a")) + 36
        default: nil
        }
    }
}
