/// Reads what the values of HTTP's headers are made of, on their bytes (RFC 9110 section 5.6).
struct HeaderWords {
    private let bytes: UnsafeBufferPointer<UInt8>
    private var index = 0

    init(_ bytes: UnsafeBufferPointer<UInt8>) {
        self.bytes = bytes
        skipBlanks()
    }

    var isAtEnd: Bool { index == bytes.count }

    /// Takes the separator, if it comes next, and the blanks after it.
    mutating func skip(_ separator: UInt8) -> Bool {
        guard index < bytes.count, bytes[index] == separator else { return false }
        index += 1
        skipBlanks()
        return true
    }

    /// Takes the token that comes next and the blanks after it.
    mutating func token() -> String? {
        let start = index
        while index < bytes.count, Self.isTokenByte(bytes[index]) { index += 1 }
        guard index > start else { return nil }
        defer { skipBlanks() }
        return String(decoding: bytes[start..<index], as: UTF8.self)
    }

    /// Takes what comes next: a token, or a token in quotes (RFC 6455 section 9.1).
    mutating func tokenOrQuoted() -> String? {
        guard index < bytes.count, bytes[index] == UInt8(ascii: "\"") else { return token() }
        index += 1
        var value: [UInt8] = []
        while index < bytes.count, bytes[index] != UInt8(ascii: "\"") {
            if bytes[index] == UInt8(ascii: "\\") { index += 1 }
            guard index < bytes.count, Self.isTokenByte(bytes[index]) else { return nil }
            value.append(bytes[index])
            index += 1
        }
        guard index < bytes.count, !value.isEmpty else { return nil }
        index += 1
        skipBlanks()
        return String(decoding: value, as: UTF8.self)
    }

    private mutating func skipBlanks() {
        while index < bytes.count, Self.isBlank(bytes[index]) { index += 1 }
    }
}

extension HeaderWords {
    /// Whether a comma-separated list has the token, whatever the case (section 5.6.1).
    ///
    /// - Parameter token: in lower case.
    static func hasToken(_ token: StaticString, in list: UnsafeBufferPointer<UInt8>) -> Bool {
        var isFound = false
        forEachElement(of: list) { element in
            if equals(element, token) { isFound = true }
        }
        return isFound
    }

    /// Calls the body with each element of a comma-separated list without the blanks around it. Nothing between two commas is no element;
    /// blanks are one.
    static func forEachElement(of list: UnsafeBufferPointer<UInt8>, _ body: (UnsafeBufferPointer<UInt8>) -> Void) {
        var start = 0
        while start < list.count {
            var end = start
            while end < list.count, list[end] != UInt8(ascii: ",") { end += 1 }
            if end > start { body(trimmed(UnsafeBufferPointer(rebasing: list[start..<end]))) }
            start = end + 1
        }
    }

    /// Without spaces and tabs at the ends.
    static func trimmed(_ bytes: UnsafeBufferPointer<UInt8>) -> UnsafeBufferPointer<UInt8> {
        var start = 0
        var end = bytes.count
        while start < end, isBlank(bytes[start]) { start += 1 }
        while end > start, isBlank(bytes[end - 1]) { end -= 1 }
        return UnsafeBufferPointer(rebasing: bytes[start..<end])
    }

    /// Whether the bytes are the text, whatever the case of ASCII letters.
    ///
    /// - Parameter text: in lower case.
    static func equals(_ bytes: UnsafeBufferPointer<UInt8>, _ text: StaticString) -> Bool {
        guard bytes.count == text.utf8CodeUnitCount else { return false }
        for index in 0..<bytes.count {
            let byte = bytes[index]
            let lower = byte >= UInt8(ascii: "A") && byte <= UInt8(ascii: "Z") ? byte | 0x20 : byte
            guard lower == text.utf8Start[index] else { return false }
        }
        return true
    }

    /// Section 5.6.2.
    static func isToken(_ bytes: UnsafeBufferPointer<UInt8>) -> Bool {
        !bytes.isEmpty && bytes.allSatisfy(isTokenByte)
    }

    private static func isTokenByte(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "a")...UInt8(ascii: "z"):
            true
        case UInt8(ascii: "!"), UInt8(ascii: "#")...UInt8(ascii: "'"), UInt8(ascii: "*"), UInt8(ascii: "+"),
            UInt8(ascii: "-"), UInt8(ascii: "."), UInt8(ascii: "^")...UInt8(ascii: "`"), UInt8(ascii: "|"),
            UInt8(ascii: "~"):
            true
        default: false
        }
    }

    private static func isBlank(_ byte: UInt8) -> Bool {
        byte == UInt8(ascii: " ") || byte == UInt8(ascii: "\t")
    }
}
