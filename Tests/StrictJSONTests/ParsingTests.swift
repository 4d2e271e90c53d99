import StrictJSON
import Testing

struct Refusal: Sendable, CustomTestStringConvertible {
    let text: [UInt8]
    let code: JSONError.Code
    let offset: Int

    init(_ text: String, _ code: JSONError.Code, _ offset: Int) {
        self.init(bytes: Array(text.utf8), code, offset)
    }

    init(bytes: [UInt8], _ code: JSONError.Code, _ offset: Int) {
        (text, self.code, self.offset) = (bytes, code, offset)
    }

    var testDescription: String { "\(String(decoding: text, as: UTF8.self)): \(code) at \(offset)" }
}

/// `"…"` around bytes that need not be UTF-8.
private func quoted(_ bytes: UInt8...) -> [UInt8] { [0x22] + bytes + [0x22] }

struct ParsingTests {
    static let accepted: [(String, JSONValue)] = [
        ("null", .null), ("true", .bool(true)), ("false", .bool(false)), ("0", .number(0)), ("-12", .number(-12)),
        (" \t\r\n7 \t\r\n", .number(7)), (#""""#, .string("")), ("[]", .array([])), ("[ ]", .array([])),
        ("{}", .object(JSONObject())), ("{ }", .object(JSONObject())),
        (#"[1, "a" ,null]"#, .array([.number(1), .string("a"), .null])),
        (
            #"{"a":1,"b":{"c":[true]}}"#,
            .object(
                JSONObject([
                    ("a", .number(1)), ("b", .object(JSONObject([("c", .array([.bool(true)]))]))),
                ]))
        ),
        (#"{"":0}"#, .object(JSONObject([("", .number(0))]))),
        (#""\"\\\/\b\f\n\r\t""#, .string("\"\\/\u{8}\u{c}\n\r\t")),
        (#""\u0041\u00e9\u20AC\ud83d\uDE00""#, .string("Aé€😀")), (#""\u0000""#, .string("\0")),
        ("\"é€😀\u{7f}\u{10FFFF}\"", .string("é€😀\u{7f}\u{10FFFF}")),
        (#""before \n after, longer than eight""#, .string("before \n after, longer than eight")),
        // Equal for Swift, different in bytes: two keys.
        ("{\"\u{e9}\":1,\"e\u{301}\":2}", .object(JSONObject([("\u{e9}", .number(1)), ("e\u{301}", .number(2))]))),
    ]

    @Test(arguments: accepted)
    func acceptsWhatTheGrammarAllows(text: String, value: JSONValue) throws {
        #expect(try JSONValue.parse(text) == value)
        #expect(try JSONValue.parse(Array(text.utf8)) == value)
        #expect(try JSONValue.parse(AnySequence(text.utf8)) == value)
        #expect(try Array(text.utf8).withUnsafeBytes { try JSONValue.parse($0) } == value)
    }

    static let refused: [Refusal] = [
        Refusal("", .unexpectedEnd, 0), Refusal("  ", .unexpectedEnd, 2), Refusal("[1", .unexpectedEnd, 2),
        Refusal("{\"a\"", .unexpectedEnd, 4), Refusal("\"a", .unexpectedEnd, 2), Refusal(#""\"#, .unexpectedEnd, 2),
        Refusal("x", .unexpectedCharacter, 0), Refusal("[1,]", .unexpectedCharacter, 3),
        Refusal("[,1]", .unexpectedCharacter, 1), Refusal("[1 2]", .unexpectedCharacter, 3),
        Refusal("[1}", .unexpectedCharacter, 2), Refusal("{\"a\":1,}", .unexpectedCharacter, 7),
        Refusal("{\"a\" 1}", .unexpectedCharacter, 5), Refusal("{\"a\":}", .unexpectedCharacter, 5),
        Refusal("{a:1}", .unexpectedCharacter, 1), Refusal("{1:1}", .unexpectedCharacter, 1),
        Refusal("{\"a\":1 \"b\":2}", .unexpectedCharacter, 7), Refusal("'a'", .unexpectedCharacter, 0),
        Refusal("[1] // no", .trailingData, 4), Refusal("/* */1", .unexpectedCharacter, 0),
        Refusal("nul", .unexpectedEnd, 3), Refusal("nulL", .unexpectedCharacter, 3),
        Refusal("True", .unexpectedCharacter, 0), Refusal("nullx", .trailingData, 4),
        Refusal("1 2", .trailingData, 2), Refusal("{}}", .trailingData, 2), Refusal("\"a\"\0", .trailingData, 3),
        Refusal("NaN", .unexpectedCharacter, 0), Refusal("Infinity", .unexpectedCharacter, 0),
        Refusal("-Infinity", .unexpectedCharacter, 1), Refusal("nan", .unexpectedCharacter, 1),
        Refusal("01", .leadingZero, 0), Refusal("-01", .leadingZero, 1), Refusal("00.5", .leadingZero, 0),
        Refusal("-", .unexpectedEnd, 1), Refusal("+1", .unexpectedCharacter, 0), Refusal(".5", .unexpectedCharacter, 0),
        Refusal("1.", .unexpectedEnd, 2), Refusal("[1.]", .unexpectedCharacter, 3),
        Refusal("1.e1", .unexpectedCharacter, 2),
        Refusal("1e", .unexpectedEnd, 2), Refusal("1e+", .unexpectedEnd, 3), Refusal("1ex", .unexpectedCharacter, 2),
        Refusal("0x10", .trailingData, 1), Refusal("--1", .unexpectedCharacter, 1),
        Refusal("1\u{660}", .trailingData, 1),
        Refusal("\u{FEFF}1", .byteOrderMark, 0), Refusal("1\u{FEFF}", .trailingData, 1),
        Refusal("\u{A0}1", .unexpectedCharacter, 0), Refusal("\u{B}1", .unexpectedCharacter, 0),
        Refusal("\"a\nb\"", .controlCharacter, 2), Refusal("\"\t\"", .controlCharacter, 1),
        Refusal("\"\0\"", .controlCharacter, 1), Refusal("\"01234567890\u{1f}\"", .controlCharacter, 12),
        Refusal(#""\x41""#, .invalidEscape, 2), Refusal(#""\'""#, .invalidEscape, 2),
        Refusal(#""\U0041""#, .invalidEscape, 2),
        Refusal(#""\u12g4""#, .invalidEscape, 5), Refusal(#""\u+123""#, .invalidEscape, 3),
        Refusal(#""\u12""#, .invalidEscape, 5),
        Refusal(#""\ud83d""#, .loneSurrogate, 1), Refusal(#""a\ude00""#, .loneSurrogate, 2),
        Refusal(#""\ud83dx""#, .loneSurrogate, 1), Refusal(#""\ud83d\n""#, .loneSurrogate, 1),
        Refusal(#""\ud83d\u0041""#, .loneSurrogate, 1), Refusal(#""\ud83d\ud83d""#, .loneSurrogate, 1),
        Refusal(#"{"a":1,"a":2}"#, .duplicateKey, 7), Refusal(#"{"a":1,"\u0061":2}"#, .duplicateKey, 7),
        Refusal(#"{"":1,"":2}"#, .duplicateKey, 6),
        Refusal(bytes: quoted(0x80), .invalidUTF8, 1), Refusal(bytes: quoted(0xFF), .invalidUTF8, 1),
        Refusal(bytes: quoted(0xC0, 0xAF), .invalidUTF8, 1), Refusal(bytes: quoted(0xC1, 0xBF), .invalidUTF8, 1),
        Refusal(bytes: quoted(0xC3), .invalidUTF8, 1), Refusal(bytes: quoted(0xC3, 0x28), .invalidUTF8, 1),
        Refusal(bytes: quoted(0xE0, 0x9F, 0xBF), .invalidUTF8, 1),
        Refusal(bytes: quoted(0xED, 0xA0, 0x80), .invalidUTF8, 1),
        Refusal(bytes: quoted(0xF0, 0x8F, 0xBF, 0xBF), .invalidUTF8, 1),
        Refusal(bytes: quoted(0xF4, 0x90, 0x80, 0x80), .invalidUTF8, 1),
        Refusal(bytes: quoted(0xF5, 0x80, 0x80, 0x80), .invalidUTF8, 1),
        Refusal(bytes: quoted(0x61, 0xE2, 0x82), .invalidUTF8, 2),
        Refusal(bytes: [0x22, 0xE2, 0x82], .unexpectedEnd, 3),
        Refusal(bytes: [0x5B, 0xFF], .unexpectedCharacter, 1),
        Refusal(bytes: [0xFE, 0xFF, 0x00, 0x31], .unexpectedCharacter, 0),
    ]

    @Test(arguments: refused)
    func refusesEverythingElseWithCodeAndOffset(refusal: Refusal) {
        let error = #expect(throws: JSONError.self) { try JSONValue.parse(refusal.text) }
        #expect(error?.code == refusal.code)
        #expect(error?.offset == refusal.offset)
        #expect(error?.message.utf8.allSatisfy { $0 >= 0x20 } == true)
    }

    @Test func messagesNameWhatWasFoundAndAreSafeToPrint() {
        let messages = ["[1, x]", "\u{1b}[2J", "{\"a\u{1b}]0;\":1,\"a\\u001b]0;\":2}", "\u{202e}"].map { text in
            do throws(JSONError) {
                return try JSONValue.parse(text).description
            } catch {
                return error.message
            }
        }
        #expect(
            messages == [
                "unexpected character ‘x’ at byte 4", "unexpected character ‘\\u{1b}’ at byte 0",
                "unescaped control character ‘\\u{1b}’ at byte 3", "unexpected character ‘\\u{202e}’ at byte 0",
            ])
        let key = "\\u001b" + String(repeating: "k", count: 100)
        let error = #expect(throws: JSONError.self) { try JSONValue.parse("{\"\(key)\":1,\"\(key)\":2}") }
        #expect(error?.message == "duplicate key ‘\\u{1b}\(String(repeating: "k", count: 31))…’ at byte 112")
    }

    @Test func everyPrefixOfATextIsReportedAsUnfinished() {
        let text = Array(
            #"{"id":"00b\u00e9\ud83d\ude00é€😀","n":[-0,1.5e+3,20],"t":true,"f":false,"z":null,"o":{"a":{}}} "#.utf8)
        #expect(throws: Never.self) { try JSONValue.parse(text) }
        for length in 0..<text.count - 1 {
            let error = #expect(throws: JSONError.self) { try JSONValue.parse(text.prefix(length)) }
            #expect(error?.code == .unexpectedEnd)
            #expect(error?.offset == length)
        }
    }

    @Test func nestingIsBoundedByTheLimit() {
        func nested(_ depth: Int) -> String {
            String(repeating: "[", count: depth) + String(repeating: "]", count: depth)
        }
        #expect(throws: Never.self) { try JSONValue.parse(nested(32)) }
        let error = #expect(throws: JSONError.self) { try JSONValue.parse(nested(33)) }
        #expect(error?.code == .tooDeep)
        #expect(error?.offset == 32)
        #expect(throws: JSONError.self) { try JSONValue.parse("{}", limits: JSONLimits(maxDepth: 0)) }
        #expect(throws: Never.self) { try JSONValue.parse("1", limits: JSONLimits(maxDepth: -1)) }
        #expect(throws: Never.self) { try JSONValue.parse(nested(256), limits: JSONLimits(maxDepth: .max)) }
        #expect(throws: JSONError.self) {
            try JSONValue.parse(String(repeating: "{\"a\":[", count: 100_000), limits: JSONLimits(maxDepth: .max))
        }
    }

    @Test(arguments: [1, 2, 15, 16, 17, 18, 40, 1024])
    func duplicateKeysAreFoundInObjectsOfEverySize(count: Int) throws {
        let members = (0..<count).map { "\"key\($0)\":\($0)" }
        #expect(try JSONValue.parse("{\(members.joined(separator: ","))}").objectValue?.members.count == count)
        for repeated in [0, count / 2, count - 1] {
            let text = "{\((members + [members[repeated]]).joined(separator: ","))}"
            let error = #expect(throws: JSONError.self) {
                try JSONValue.parse(text, limits: JSONLimits(maxMembers: 2000))
            }
            #expect(error?.code == .duplicateKey)
        }
    }

    @Test func membersAreBoundedByTheLimit() {
        let text = "{\((0..<1025).map { "\"\($0)\":0" }.joined(separator: ","))}"
        let error = #expect(throws: JSONError.self) { try JSONValue.parse(text) }
        #expect(error?.code == .tooManyMembers)
        #expect(throws: JSONError.self) { try JSONValue.parse("{\"a\":1}", limits: JSONLimits(maxMembers: 0)) }
        #expect(throws: Never.self) { try JSONValue.parse("{}", limits: JSONLimits(maxMembers: 0)) }
    }
}
