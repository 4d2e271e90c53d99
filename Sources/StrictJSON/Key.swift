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
    /// Whether both are the same sequence of UTF-8 bytes.
    ///
    /// The comparison of the standard library goes first: it is the faster one, and what it holds apart differs in
    /// bytes too.
    @inline(__always)
    func hasSameBytes(as other: String) -> Bool {
        self == other && utf8.elementsEqual(other.utf8)
    }
}
