import StrictJSON
import Testing

struct WriterTests {
    @Test func commasGoWhereTheyBelong() {
        var writer = JSONWriter(reservingCapacity: 16)
        writer.beginObject()
        writer.key("a")
        writer.beginArray()
        writer.int(1)
        writer.int(UInt64.max)
        writer.beginArray()
        writer.endArray()
        writer.beginObject()
        writer.endObject()
        writer.null()
        writer.endArray()
        writer.key("b")
        writer.bool(false)
        writer.key("c")
        writer.raw(#"{"x":1}"#)
        writer.key("d")
        writer.raw([UInt8(ascii: "2")])
        writer.key("e")
        writer.string("")
        writer.endObject()
        #expect(
            String(decoding: writer.bytes, as: UTF8.self)
                == #"{"a":[1,18446744073709551615,[],{},null],"b":false,"c":{"x":1},"d":2,"e":""}"#)
    }

    @Test(arguments: [0, 1, -1, 9, 10, 99, -100, 1_800_000_000_123, .max, .min] as [Int])
    func integersAreWrittenInDecimal(_ value: Int) {
        var writer = JSONWriter()
        writer.beginArray()
        writer.int(value)
        writer.int(Int64(value))
        writer.int(Int8(truncatingIfNeeded: value))
        writer.endArray()
        let expected = "[\(value),\(value),\(Int8(truncatingIfNeeded: value))]"
        #expect(String(decoding: writer.bytes, as: UTF8.self) == expected)
    }

    @Test func keysOfTheCodeAndOfDataAreWrittenAlike() {
        var literal = JSONWriter()
        literal.beginObject()
        literal.key("")
        literal.null()
        literal.key("a key of more than fifteen bytes")
        literal.null()
        literal.endObject()
        var given = JSONWriter()
        given.beginObject()
        for key in ["", "a key of more than fifteen bytes"] {
            given.key(key)
            given.null()
        }
        given.endObject()
        #expect(literal.bytes == given.bytes)
        #expect(String(decoding: literal.bytes, as: UTF8.self) == #"{"":null,"a key of more than fifteen bytes":null}"#)
    }

    @Test func linesAndResetsBeginNewTexts() {
        var writer = JSONWriter()
        writer.int(1)
        writer.endLine()
        writer.int(2)
        writer.endLine()
        #expect(writer.bytes == Array("1\n2\n".utf8))
        writer.reset()
        writer.bool(true)
        #expect(writer.bytes == Array("true".utf8))
    }

    @Test(arguments: [
        ("plain", #""plain""#), ("a\"b\\c/d", #""a\"b\\c/d""#), ("\u{8}\t\n\u{c}\r", #""\b\t\n\f\r""#),
        ("\0\u{1}\u{f}\u{10}\u{1f}", #""\u0000\u0001\u000f\u0010\u001f""#),
        ("é€😀\u{7f}\u{2028}", "\"é€😀\u{7f}\u{2028}\""),
        ("12345678\"12345678é\n", #""12345678\"12345678é\n""#),
    ])
    func stringsAreEscapedOnlyWhereTheyMustBe(text: String, expected: String) {
        #expect(JSONValue.string(text).description == expected)
        #expect(JSONValue.object(JSONObject([(text, .null)])).description == "{\(expected):null}")
    }

    @Test func everyScalarSurvivesAtEveryAlignment() throws {
        for scalar in (0...0x2FF).compactMap(Unicode.Scalar.init) {
            for padding in 0..<9 {
                let text = String(repeating: "-", count: padding) + String(Character(scalar)) + "tail of the text"
                let value = JSONValue.string(text)
                #expect(try JSONValue.parse(value.serialized()) == value)
            }
        }
    }
}

struct ObjectTests {
    @Test func theFirstOfSeveralMembersWithOneKeyIsKept() {
        let object = JSONObject([("a", .number(1)), ("b", .null), ("a", .number(2))])
        #expect(object.members.map(\.key) == ["a", "b"])
        #expect(object["a"] == .number(1))
        #expect(object["c"] == nil)
    }

    @Test func equalityIsByBytesAndOrder() {
        #expect(JSONValue.string("\u{e9}") != .string("e\u{301}"))
        #expect(JSONObject([("a", .null), ("b", .null)]) != JSONObject([("b", .null), ("a", .null)]))
        #expect(JSONObject([("a", .null)]) != JSONObject([("a", .bool(true))]))
        #expect(JSONObject([("\u{e9}", .null)])["e\u{301}"] == nil)
    }

    @Test func accessorsAnswerOnlyForTheirKind() {
        #expect(JSONValue.string("1").intValue == nil)
        #expect(JSONValue.number(1).stringValue == nil)
        #expect(JSONValue.number(1).boolValue == nil)
        #expect(JSONValue.null.isNull && !JSONValue.bool(false).isNull)
        #expect(JSONValue.array([.null]).arrayValue == [.null])
        #expect(JSONValue.array([]).objectValue == nil)
        #expect(JSONValue.bool(true).boolValue == true)
    }
}
