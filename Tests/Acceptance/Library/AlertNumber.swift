/// The text of the run's alerts: each says which of the run's alerts it is, so that every one is unique and known to the checker.
enum AlertNumber {
    private static let prefix = "alert "

    /// The text of an alert.
    ///
    /// - Parameter padding: bytes that follow the number.
    static func text(_ number: Int, padding: Int = 0) -> String {
        padding > 0 ? prefix + String(number) + " " + String(repeating: "x", count: padding) : prefix + String(number)
    }

    /// Finds the number in an alert's JSON, whose member `message` holds nothing that has to be escaped.
    ///
    /// - Returns: `nil` where the text is none of the run's.
    static func find(in json: UnsafeRawBufferPointer) -> Int? {
        guard var index = member.end(in: json) else { return nil }
        var number: Int?
        while index < json.count, case UInt8(ascii: "0")...UInt8(ascii: "9") = json[index] {
            guard (number ?? 0) < Int(Int32.max) else { return nil }
            number = (number ?? 0) * 10 + Int(json[index] - UInt8(ascii: "0"))
            index += 1
        }
        guard index < json.count, json[index] == UInt8(ascii: "\"") || json[index] == UInt8(ascii: " ") else {
            return nil
        }
        return number
    }

    private static let member = ByteNeedle("\"message\":\"" + prefix)
}

/// Bytes to look for.
struct ByteNeedle: Sendable {
    private let bytes: [UInt8]

    init(_ text: String) { bytes = Array(text.utf8) }

    /// The index after the first occurrence.
    func end(in haystack: UnsafeRawBufferPointer) -> Int? {
        guard let first = bytes.first, haystack.count >= bytes.count else { return nil }
        return bytes.withUnsafeBytes { needle in
            var index = 0
            let last = haystack.count - needle.count
            while index <= last {
                if haystack[index] == first {
                    var matched = 1
                    while matched < needle.count, haystack[index + matched] == needle[matched] { matched += 1 }
                    if matched == needle.count { return index + matched }
                }
                index += 1
            }
            return nil
        }
    }

    /// Whether the bytes begin with it.
    func begins(_ haystack: UnsafeRawBufferPointer) -> Bool {
        guard haystack.count >= bytes.count else { return false }
        for index in bytes.indices where haystack[index] != bytes[index] { return false }
        return true
    }

    var count: Int { bytes.count }
}
