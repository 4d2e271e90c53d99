/// The masking of payloads (RFC 6455 section 5.3): every byte is combined by exclusive or with one of the four of the key, in turn.
struct FrameMask: Sendable {
    /// The key; its least significant byte meets the next payload byte. 0 leaves the payload as it is.
    private var key: UInt32 = 0

    /// No mask.
    init() {}

    /// - Parameter networkOrder: the key as the number that its four bytes on the wire make, the first one the most significant.
    init(networkOrder: UInt32) {
        key = networkOrder.byteSwapped
    }

    /// Takes the next of the key's four bytes as they come on the wire. Once all of them have, nothing is left of the key before.
    mutating func takeKey(_ byte: UInt8) {
        key = key >> 8 | UInt32(byte) << 24
    }

    /// Copies `source` to `target`, which has room for it, masked or unmasked; the next call goes on where this one ended.
    mutating func copy(_ source: UnsafeRawBufferPointer, to target: UnsafeMutableRawPointer) {
        let count = source.count
        guard let base = source.baseAddress else { return }
        guard key != 0 else {
            target.copyMemory(from: base, byteCount: count)
            return
        }
        let wide = UInt64(key) << 32 | UInt64(key)
        var index = 0
        while index &+ 8 <= count {
            let word = UInt64(littleEndian: base.loadUnaligned(fromByteOffset: index, as: UInt64.self))
            target.storeBytes(of: (word ^ wide).littleEndian, toByteOffset: index, as: UInt64.self)
            index &+= 8
        }
        while index < count {
            let byte = base.load(fromByteOffset: index, as: UInt8.self)
            let part = UInt8(truncatingIfNeeded: key >> UInt32((index & 3) &* 8))
            target.storeBytes(of: byte ^ part, toByteOffset: index, as: UInt8.self)
            index &+= 1
        }
        let turn = UInt32((count & 3) &* 8)
        if turn != 0 { key = key >> turn | key << (32 &- turn) }
    }
}
