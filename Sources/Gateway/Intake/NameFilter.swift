/// A set of names as 64 bits, for the question whether two sets may have one in common: "no" is certain, "yes" has to be looked up.
///
/// A name's bit follows from its length, first and last byte. Their weights were searched for so that the headers which curl sends have
/// none of the bits of a `Field`'s names.
struct NameFilter: Sendable {
    private var bits: UInt64 = 0

    init() {}

    init(_ names: some Sequence<String>) {
        for name in names { insert(name) }
    }

    mutating func insert(_ name: String) { bits |= Self.bit(name) }

    func union(_ other: NameFilter) -> NameFilter {
        var union = self
        union.bits |= other.bits
        return union
    }

    func mayContain(_ name: String) -> Bool { bits & Self.bit(name) != 0 }

    func mayShare(with other: NameFilter) -> Bool { bits & other.bits != 0 }

    private static func bit(_ name: String) -> UInt64 {
        var name = name
        return name.withUTF8 { bytes -> UInt64 in
            guard let first = bytes.first, let last = bytes.last else { return 1 }
            var sum = bytes.count &* 4
            sum &+= Int(first) &* 15
            sum &+= Int(last) &* 33
            return 1 &<< UInt64(truncatingIfNeeded: sum & 63)
        }
    }
}
