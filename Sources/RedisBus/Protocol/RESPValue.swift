/// A reply of Redis, in RESP2.
enum RESPValue: Sendable, Equatable {
    /// A short answer such as `OK`.
    case status(String)
    /// What the server refuses, as its text: a code in capitals and an explanation.
    case error(String)
    case integer(Int64)
    case bytes([UInt8])
    case array([RESPValue])
    case null
}

extension RESPValue {
    /// Text, where the bytes or the status are valid UTF-8.
    var text: String? {
        switch self {
        case .status(let text): text
        case .bytes(let bytes): String(validating: bytes, as: UTF8.self)
        default: nil
        }
    }

    var bytes: [UInt8]? {
        if case .bytes(let bytes) = self { bytes } else { nil }
    }

    var array: [RESPValue]? {
        if case .array(let values) = self { values } else { nil }
    }

    /// A number, whether it came as one or as text.
    var number: Int64? {
        if case .integer(let number) = self { number } else { text.flatMap { Int64($0) } }
    }
}
