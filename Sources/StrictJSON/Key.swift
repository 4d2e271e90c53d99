/// A key that is compared and hashed by its bytes: keys that Swift holds to be canonically equivalent are different in
/// JSON, and must not collide on purpose either.
struct Key: Hashable {
    let text: String

    static func == (left: Key, right: Key) -> Bool { left.text.hasSameBytes(as: right.text) }

    func hash(into hasher: inout Hasher) {
        var text = text
        text.withUTF8 { hasher.combine(bytes: UnsafeRawBufferPointer($0)) }
    }
}

extension String {
    /// Whether both are the same sequence of UTF-8 bytes. Counts first: most keys that are compared differ there.
    @inline(__always)
    func hasSameBytes(as other: String) -> Bool {
        utf8.count == other.utf8.count && hasSameBytes(asOfSameCount: other)
    }

    @inline(never)
    private func hasSameBytes(asOfSameCount other: String) -> Bool {
        var (left, right) = (self, other)
        return left.withUTF8 { left in
            right.withUTF8 { right in
                for index in left.indices where left[index] != right[index] { return false }
                return true
            }
        }
    }
}
