/// The number of bytes from `start` on, before `end`, that are printable ASCII other than `"` and `\`: what a JSON
/// string holds as it is.
///
/// Eight bytes a step: in each lane, subtraction borrows into the high bit for a byte below the bound. A borrow can
/// spill only into lanes above one that is truly flagged, so the lowest flagged lane is always right.
@inline(__always)
func plainRunLength(from start: UnsafePointer<UInt8>, before end: UnsafePointer<UInt8>) -> Int {
    let ones: UInt64 = 0x0101_0101_0101_0101
    var position = start
    while end - position >= 8 {
        let word = UInt64(littleEndian: UnsafeRawPointer(position).loadUnaligned(as: UInt64.self))
        let controls = word &- (ones &* 0x20)
        let quotes = (word ^ (ones &* 0x22)) &- ones
        let backslashes = (word ^ (ones &* 0x5C)) &- ones
        let flagged = (word | controls | quotes | backslashes) & (ones &* 0x80)
        if flagged != 0 { return position - start + flagged.trailingZeroBitCount / 8 }
        position += 8
    }
    while position < end {
        let byte = position.pointee
        if byte < 0x20 || byte >= 0x80 || byte == 0x22 || byte == 0x5C { break }
        position += 1
    }
    return position - start
}
