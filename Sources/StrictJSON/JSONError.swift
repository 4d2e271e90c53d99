/// Why a text is not the JSON that was asked for, and where.
public struct JSONError: Error, Sendable, Equatable {
    /// The kind of error. More may come: switch over it with a `default`.
    public struct Code: Sendable, Hashable, CustomStringConvertible {
        public let description: String

        /// The text ended in the middle of a value, or was empty.
        public static let unexpectedEnd = Code(description: "unexpected end")
        /// A character that the grammar does not allow here.
        public static let unexpectedCharacter = Code(description: "unexpected character")
        /// Something other than white space after the value.
        public static let trailingData = Code(description: "data after the value")
        /// The text begins with a byte order mark (RFC 8259 §8.1).
        public static let byteOrderMark = Code(description: "byte order mark")
        /// Bytes in a string that are not UTF-8 (RFC 3629).
        public static let invalidUTF8 = Code(description: "invalid UTF-8")
        /// A control character in a string that is not escaped (RFC 8259 §7).
        public static let controlCharacter = Code(description: "unescaped control character")
        /// A backslash that begins no escape sequence.
        public static let invalidEscape = Code(description: "invalid escape")
        /// `\u` with one half of a surrogate pair (RFC 8259 §8.2).
        public static let loneSurrogate = Code(description: "lone surrogate")
        /// A number with a leading zero.
        public static let leadingZero = Code(description: "leading zero")
        /// A key that the object has already.
        public static let duplicateKey = Code(description: "duplicate key")
        /// More nesting than ``JSONLimits/maxDepth``.
        public static let tooDeep = Code(description: "too deep")
        /// More members in one object than ``JSONLimits/maxMembers``.
        public static let tooManyMembers = Code(description: "too many members")
    }

    public let code: Code
    /// Where, in bytes from the beginning of the text.
    public let offset: Int
    /// What was found there, made harmless: control characters escaped, long keys cut. Empty where there is nothing to
    /// show.
    let found: String

    init(_ code: Code, at offset: Int, found: String = "") {
        self.code = code
        self.offset = offset
        self.found = found
    }

    /// One line for people, safe to log and print, like `unexpected character ‘x’ at byte 17`.
    public var message: String {
        found.isEmpty ? "\(code) at byte \(offset)" : "\(code) \(found) at byte \(offset)"
    }
}

extension JSONError: CustomStringConvertible {
    public var description: String { message }
}

extension JSONError {
    /// The scalars of `text` in quotation marks, at most 32 of them; those that could act on a terminal as `\u{…}`.
    static func quoted(_ scalars: some Sequence<Unicode.Scalar>) -> String {
        var result = "‘"
        for (index, scalar) in scalars.enumerated() {
            guard index < 32 else {
                result += "…"
                break
            }
            switch scalar.properties.generalCategory {
            case .control, .format, .lineSeparator, .paragraphSeparator, .privateUse, .unassigned, .surrogate:
                result += "\\u{" + String(scalar.value, radix: 16) + "}"
            default:
                result.unicodeScalars.append(scalar)
            }
        }
        return result + "’"
    }
}
