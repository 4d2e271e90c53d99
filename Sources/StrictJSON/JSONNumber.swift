/// A JSON number (RFC 8259 §6), kept as it was written so that nothing is lost.
///
/// Numbers are equal when their texts are: `1` and `1.0` are not.
public struct JSONNumber: Sendable, Equatable {
    /// The number as written; always valid by the grammar of RFC 8259 §6.
    public let text: String

    /// An integer.
    public init(_ value: Int) {
        text = String(value)
    }

    /// A finite number, in the shortest form that reads back as the same double; `nil` for infinities and NaN.
    public init?(_ value: Double) {
        guard value.isFinite else { return nil }
        text = value.description
    }

    /// A number from its text; `nil` unless all of it is one by the grammar.
    public init?(text: String) {
        guard case .number(let number)? = try? JSONValue.parse(text), number.text == text else { return nil }
        self = number
    }

    /// For the reader, which has checked the grammar.
    init(checkedText: String) {
        text = checkedText
    }

    /// The integer that the text denotes exactly, in whatever way it is written (`1000`, `1e3` and `1000.0` are the
    /// same), or
    /// `nil` if it has a fractional part or does not fit.
    public var int: Int? {
        Int(text) ?? intFromDecimal
    }

    /// The nearest double, or `nil` if the number is beyond the range of finite doubles.
    public var double: Double? {
        guard let value = Double(text), value.isFinite else { return nil }
        return value
    }

    /// Reads `[-]digits[.digits][e[±]digits]` as significant digits times a power of ten.
    private var intFromDecimal: Int? {
        var digits: [UInt8] = []
        var scale = 0
        var isNegative = false
        var isFraction = false
        var exponentText: Substring?
        for (offset, byte) in text.utf8.enumerated() {
            switch byte {
            case UInt8(ascii: "-"): isNegative = true
            case UInt8(ascii: "."): isFraction = true
            case UInt8(ascii: "e"), UInt8(ascii: "E"): exponentText = text.dropFirst(offset + 1)
            default:
                digits.append(byte - UInt8(ascii: "0"))
                if isFraction { scale -= 1 }
            }
            if exponentText != nil { break }
        }
        while digits.last == 0 {
            digits.removeLast()
            scale += 1
        }
        if digits.isEmpty { return 0 }
        if let exponentText {
            // An exponent too large for Int shifts any digits that fit in memory out of range.
            guard let exponent = Int(exponentText) else { return nil }
            let (sum, overflow) = scale.addingReportingOverflow(exponent)
            guard !overflow else { return nil }
            scale = sum
        }
        guard (0...18).contains(scale) else { return nil }
        digits.append(contentsOf: repeatElement(0, count: scale))

        var result = 0
        for digit in digits {
            let (shifted, overflow) = result.multipliedReportingOverflow(by: 10)
            let step = Int(digit)
            // Counted on the sign's own side, so that Int.min is reached.
            let (sum, carry) =
                isNegative ? shifted.subtractingReportingOverflow(step) : shifted.addingReportingOverflow(step)
            guard !overflow, !carry else { return nil }
            result = sum
        }
        return result
    }
}
