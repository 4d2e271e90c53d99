#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// Text in header values: RFC 2047 encoded words (`=?utf-8?B?…?=`, `=?utf-8?Q?…?=`) become what they stand for; everything else, an encoded word that
/// cannot be read included, stays as it is.
enum HeaderText {
    static func decode(_ value: String) -> String {
        guard mayHaveWord(value) else { return value }
        var result = ""
        var rest = value[...]
        var followsWord = false
        while let start = rest.firstRange(of: "=?") {
            let before = rest[..<start.lowerBound]
            guard let (text, end) = word(in: rest[start.upperBound...]) else {
                result += rest[..<start.upperBound]
                rest = rest[start.upperBound...]
                followsWord = false
                continue
            }
            // Blanks between two encoded words are not part of the text (RFC 2047 section 6.2).
            if !(followsWord && before.allSatisfy(\.isWhitespace)) { result += before }
            result += text
            rest = rest[end...]
            followsWord = true
        }
        return result + rest
    }

    /// Whether `=?` occurs.
    private static func mayHaveWord(_ value: String) -> Bool {
        var last: UInt8 = 0
        for byte in value.utf8 {
            if last == UInt8(ascii: "=") && byte == UInt8(ascii: "?") { return true }
            last = byte
        }
        return false
    }

    /// The word that begins after `=?`, and where it ends.
    private static func word(in text: Substring) -> (String, String.Index)? {
        let parts = text.split(separator: "?", maxSplits: 2, omittingEmptySubsequences: false)
        guard parts.count == 3, let end = parts[2].firstRange(of: "?=") else { return nil }
        let encoded = parts[2][..<end.lowerBound]
        guard !encoded.contains(" "), !encoded.contains("?") else { return nil }
        let bytes: [UInt8]? =
            switch parts[1].lowercased() {
            case "b": Data(base64Encoded: String(encoded)).map(Array.init)
            case "q": quoted(encoded)
            default: nil
            }
        guard let bytes, let decoded = string(bytes, charset: parts[0].lowercased()) else { return nil }
        return (decoded, end.upperBound)
    }

    private static func quoted(_ text: Substring) -> [UInt8]? {
        var bytes: [UInt8] = []
        var iterator = text.utf8.makeIterator()
        while let byte = iterator.next() {
            switch byte {
            case UInt8(ascii: "_"): bytes.append(UInt8(ascii: " "))
            case UInt8(ascii: "="):
                guard let high = iterator.next(), let low = iterator.next(),
                    let value = UInt8(String(decoding: [high, low], as: UTF8.self), radix: 16)
                else { return nil }
                bytes.append(value)
            default: bytes.append(byte)
            }
        }
        return bytes
    }

    private static func string(_ bytes: [UInt8], charset: String) -> String? {
        // RFC 2231 lets a language follow the charset.
        switch charset.prefix(while: { $0 != "*" }) {
        case "utf-8", "utf8", "us-ascii": String(validating: bytes, as: UTF8.self)
        case "iso-8859-1", "latin1": String(String.UnicodeScalarView(bytes.map { Unicode.Scalar($0) }))
        default: nil
        }
    }
}
