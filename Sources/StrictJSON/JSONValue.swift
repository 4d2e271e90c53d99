/// A JSON value (RFC 8259 §3).
///
/// Two values are equal when they were written alike: strings by their UTF-8 bytes (RFC 8259 §8.3, not by Swift's
/// canonical equivalence), numbers by their text, objects with their members in the same order.
public enum JSONValue: Sendable, Equatable {
    case null
    case bool(Bool)
    case number(JSONNumber)
    case string(String)
    case array([JSONValue])
    case object(JSONObject)

    public static func == (left: JSONValue, right: JSONValue) -> Bool {
        switch (left, right) {
        case (.null, .null): true
        case (.bool(let left), .bool(let right)): left == right
        case (.number(let left), .number(let right)): left == right
        case (.string(let left), .string(let right)): left.hasSameBytes(as: right)
        case (.array(let left), .array(let right)): left == right
        case (.object(let left), .object(let right)): left == right
        default: false
        }
    }
}

extension JSONValue {
    /// A number with this value.
    public static func number(_ value: Int) -> JSONValue { .number(JSONNumber(value)) }

    /// The text, if this is a string.
    public var stringValue: String? {
        if case .string(let value) = self { value } else { nil }
    }

    /// The integer, if this is a number that is exactly one; see ``JSONNumber/int``.
    public var intValue: Int? {
        if case .number(let value) = self { value.int } else { nil }
    }

    /// The nearest double, if this is a number; see ``JSONNumber/double``.
    public var doubleValue: Double? {
        if case .number(let value) = self { value.double } else { nil }
    }

    /// The truth value, if this is `true` or `false`.
    public var boolValue: Bool? {
        if case .bool(let value) = self { value } else { nil }
    }

    /// The elements, if this is an array.
    public var arrayValue: [JSONValue]? {
        if case .array(let value) = self { value } else { nil }
    }

    /// The object, if this is one.
    public var objectValue: JSONObject? {
        if case .object(let value) = self { value } else { nil }
    }

    /// Whether this is `null`.
    public var isNull: Bool {
        if case .null = self { true } else { false }
    }

    /// The value as JSON text in UTF-8, without white space.
    public func serialized() -> [UInt8] {
        var writer = JSONWriter(reservingCapacity: 128)
        writer.value(self)
        return writer.bytes
    }
}

extension JSONValue: CustomStringConvertible {
    /// The value as JSON text.
    public var description: String { String(decoding: serialized(), as: UTF8.self) }
}
