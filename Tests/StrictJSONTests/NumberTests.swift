import StrictJSON
import Testing

struct NumberTests {
    @Test(
        arguments: [
            ("0", 0), ("-0", 0), ("1e3", 1000), ("1E+3", 1000), ("1000.0", 1000), ("1.50e1", 15), ("120e-1", 12),
            ("-2.5e1", -25),
            ("0.0", 0), ("0e99999999999999999999", 0), ("9223372036854775807", Int.max),
            ("-9223372036854775808", Int.min),
            ("9223372036854775807.00", Int.max), ("-922337203685477580.8e1", Int.min),
            ("1e18", 1_000_000_000_000_000_000),
            ("9223372036854775808", nil), ("-9223372036854775809", nil), ("1.5", nil), ("1e-1", nil), ("15e-1", nil),
            ("1e19", nil),
            ("1e99999999999999999999", nil), ("1e-99999999999999999999", nil), ("1e9223372036854775807", nil),
            ("10e9223372036854775807", nil), ("0.1e-9223372036854775808", nil),
        ] as [(String, Int?)])
    func integersAreExactHoweverWritten(text: String, expected: Int?) throws {
        #expect(try JSONValue.parse(text).intValue == expected)
    }

    @Test(
        arguments: [
            ("1.5", 1.5), ("-0.25e2", -25), ("5e-324", .leastNonzeroMagnitude), ("1e-400", 0), ("1e400", nil),
            ("-1e400", nil),
            ("0.1", 0.1), ("9007199254740993", 9_007_199_254_740_992),
        ] as [(String, Double?)])
    func doublesAreTheNearestFiniteOnes(text: String, expected: Double?) throws {
        #expect(try JSONValue.parse(text).doubleValue == expected)
    }

    @Test(arguments: ["0", "-0", "1.0", "1E400", "123456789012345678901234567890.5", "1e+05"])
    func theTextIsKeptAsWritten(text: String) throws {
        let value = try JSONValue.parse("[\(text)]")
        #expect(value.description == "[\(text)]")
        #expect(JSONNumber(text: text)?.text == text)
    }

    @Test(arguments: ["", " 1", "1 ", "01", "1.", "NaN", "0x1", "true", "\"1\"", "1,2"])
    func textsThatAreNoNumberMakeNone(text: String) {
        #expect(JSONNumber(text: text) == nil)
    }

    @Test func doublesBecomeValidNumbers() throws {
        for value in [0, -0.0, 1, 1.5, 1e300, .leastNonzeroMagnitude, 1e16, 123456789.125, -1e-7] {
            let number = try #require(JSONNumber(value))
            #expect(JSONNumber(text: number.text) == number)
            #expect(number.double == value)
        }
        #expect(JSONNumber(Double.nan) == nil)
        #expect(JSONNumber(Double.infinity) == nil)
    }
}
