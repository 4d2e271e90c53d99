/// A `Cookie` value's pairs (RFC 6265 section 4.2.1).
enum Cookies {
    /// The value of the first cookie of a name.
    static func value(of name: String, in header: String) -> Substring? {
        for pair in header.utf8.split(separator: UInt8(ascii: ";")) {
            let pair = pair.drop { $0 == UInt8(ascii: " ") || $0 == UInt8(ascii: "\t") }
            guard let equals = pair.firstIndex(of: UInt8(ascii: "=")), pair[..<equals].elementsEqual(name.utf8) else {
                continue
            }
            return Substring(pair[pair.index(after: equals)...])
        }
        return nil
    }
}
