import Testing

@testable import Gateway

@Suite struct UserNameTests {
    @Test(
        "letters, digits, spaces and a few marks, of any script, without blanks around",
        arguments: [
            ("Ada", "Ada"), ("  Ada Lovelace\t", "Ada Lovelace"), ("O'Hara-Smith_2.", "O'Hara-Smith_2."), ("7", "7"),
            ("Łukasz", "Łukasz"), ("अदिति", "अदिति"), ("李小龍", "李小龍"), ("e\u{301}mile", "e\u{301}mile"), ("½", "½"),
            (String(repeating: "x", count: 32), String(repeating: "x", count: 32)), ("publishers", "publishers"),
            ("guest", "guest"),
        ])
    func names(given: String, text: String) throws {
        #expect(try UserName(given).text == text)
    }

    @Test(
        "nothing else is a name",
        arguments: [
            "", "   ", String(repeating: "x", count: 33), "a\nb", "a\r\nSet-Cookie: x=y", "a\u{0}b", "a\tb", "<b>",
            "a@b",
            "a/b", "a;b", "a\"b", "😀", "a\u{202E}b", "a\u{200B}b", "a\u{FEFF}", "a\u{2028}b", "\u{3164}", "\u{115F}",
            "publisher\u{FE0F}", "a\u{34F}b", "a\u{85}b", String(repeating: "e\u{301}\u{301}\u{301}\u{301}", count: 32),
        ])
    func none(given: String) {
        #expect(throws: GatewayError.self) { try UserName(given) }
    }

    @Test(
        "the server's own names are nobody else's",
        arguments: ["publisher", "Publisher", " PUBLISHER ", "guest-abc123", "Guest-", "GUEST-x"])
    func own(given: String) {
        #expect(throws: GatewayError.self) { try UserName(given) }
        #expect(throws: GatewayError.self) { try UserName(verified: given) }
        #expect(throws: GatewayError.self) { try UserName(verified: "\u{0}") }
    }

    @Test(
        "what an issuer vouches for is cut to what can be shown",
        arguments: [
            ("Ada <ada@example.com>", "Ada <ada@example.com>"), ("a\r\nb\u{0}\u{7F}\u{85}c", "abc"),
            ("a\u{202E}b\u{2066}c\u{200B}d\u{FEFF}", "abcd"), ("a\u{2028}b\u{2029}c", "abc"),
            (String(repeating: "x", count: 100), String(repeating: "x", count: 64)),
        ])
    func verified(name: String, text: String) throws {
        #expect(try UserName(verified: name).text == text)
    }
}
