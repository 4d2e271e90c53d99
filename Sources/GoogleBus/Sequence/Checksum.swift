/// Sums up which words became alerts, and in which order, since the epoch began: who comes to the same sum after the same message has counted the same.
///
/// FNV-1a over 64 bits (draft-eastlake-fnv), taken on over each word's author and number.
struct Checksum: Sendable, Equatable {
    private(set) var value: UInt64

    private static let basis: UInt64 = 0xcbf2_9ce4_8422_2325
    private static let prime: UInt64 = 0x0000_0100_0000_01b3

    /// The sum with which an epoch begins.
    init(epoch: UInt64) {
        value = Self.basis
        mix(epoch)
    }

    /// - Returns: `nil` where it is not a sum as `text` writes it.
    init?(text: String) {
        guard let value = UInt64(text, radix: 16) else { return nil }
        self.value = value
    }

    var text: String { String(value, radix: 16) }

    mutating func add(author: String, number: UInt64) {
        for byte in author.utf8 { mix(byte) }
        mix(number)
    }

    private mutating func mix(_ number: UInt64) {
        for shift in stride(from: 0, to: 64, by: 8) { mix(UInt8(truncatingIfNeeded: number >> UInt64(shift))) }
    }

    private mutating func mix(_ byte: UInt8) { value = (value ^ UInt64(byte)) &* Self.prime }
}
