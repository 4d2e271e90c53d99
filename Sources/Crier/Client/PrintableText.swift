/// Text from elsewhere, made safe for a terminal: nothing in it can move the cursor, set a title, start a new line or
/// turn the writing direction of what follows.
enum PrintableText {
    /// `text` on one line. Line feed, carriage return and tab become `\n`, `\r` and `\t`, other harmful characters
    /// `\u{…}`.
    static func escaped(_ text: String) -> String {
        guard text.unicodeScalars.contains(where: isHarmful) else { return text }
        var result = ""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\n": result += "\\n"
            case "\r": result += "\\r"
            case "\t": result += "\\t"
            case _ where isHarmful(scalar): result += "\\u{\(String(scalar.value, radix: 16))}"
            default: result.unicodeScalars.append(scalar)
            }
        }
        return result
    }

    /// A line of valid JSON with harmful characters as `\u` escapes: the same JSON. They can be inside strings only,
    /// and none is beyond the basic plane.
    static func escapedJSON(_ line: [UInt8]) -> [UInt8] {
        let text = String(decoding: line, as: UTF8.self)
        guard text.unicodeScalars.contains(where: isHarmful) else { return line }
        var result = ""
        for scalar in text.unicodeScalars {
            if isHarmful(scalar) {
                let digits = String(scalar.value, radix: 16)
                result += "\\u" + String(repeating: "0", count: max(4 - digits.utf8.count, 0)) + digits
            } else {
                result.unicodeScalars.append(scalar)
            }
        }
        return Array(result.utf8)
    }

    /// Control characters (C0, DEL, C1), line and paragraph separators, and the controls of bidirectional text (Unicode
    /// UAX #9 §2). Joiners are let through: emoji are made with them.
    private static func isHarmful(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar.value {
        case 0...0x1F, 0x7F...0x9F, 0x61C, 0x200E...0x200F, 0x2028...0x202E, 0x2066...0x2069: true
        default: false
        }
    }
}
