import Testing

@testable import Gateway

@Suite struct OriginPolicyTests {
    @Test("a request without an origin comes from no page")
    func none() {
        #expect(OriginPolicy.sameOrigin.allows(nil, host: "a.example"))
        #expect(OriginPolicy.list([]).allows(nil, host: nil))
    }

    @Test(
        "the same origin has the host and port of the request",
        arguments: [
            ("https://a.example", "a.example", true), ("http://a.example", "a.example", true),
            ("HTTPS://A.Example", "a.EXAMPLE", true), ("http://a.example:8080", "a.example:8080", true),
            ("https://a.example", "a.example:443", true), ("http://a.example", "a.example:80", true),
            ("http://a.example", "a.example:443", false), ("http://a.example:8080", "a.example", false),
            ("https://b.example", "a.example", false), ("https://a.example.evil", "a.example", false),
            ("https://evil-a.example", "a.example", false), ("null", "a.example", false), ("", "a.example", false),
            ("file://", "a.example", false), ("a.example", "a.example", false), ("http://[::1]:80", "[::1]:80", true),
        ])
    func same(origin: String, host: String, isAllowed: Bool) {
        #expect(OriginPolicy.sameOrigin.allows(origin, host: host) == isAllowed)
    }

    @Test("an origin without a Host to compare with is refused")
    func noHost() {
        #expect(!OriginPolicy.sameOrigin.allows("https://a.example", host: nil))
        #expect(!OriginPolicy.sameOrigin.allows("https://", host: nil))
    }

    @Test("a list allows its origins and the same")
    func list() throws {
        let policy = try #require(OriginPolicy(" https://One.example , http://two.example:8080"))
        #expect(policy.allows("https://one.example", host: "h"))
        #expect(policy.allows("http://two.example:8080", host: "h"))
        #expect(policy.allows("https://h", host: "h"))
        #expect(!policy.allows("http://one.example", host: "h"))
        #expect(!policy.allows("https://three.example", host: "h"))
    }

    @Test("a star allows all")
    func any() {
        #expect(OriginPolicy("*") == .any)
        #expect(OriginPolicy.any.allows("null", host: nil))
        #expect(OriginPolicy("") == .sameOrigin)
        #expect(OriginPolicy(" , ") == .sameOrigin)
    }

    @Test(
        "what is no list of origins is refused",
        arguments: ["example.com", "https://", "https://a/b", "ftp://a", "*, https://a", "https://a/"])
    func bad(text: String) {
        #expect(OriginPolicy(text) == nil)
    }

    @Test("an origin that is echoed has no line breaks")
    func echo() {
        #expect(CORS.singleLine("https://a\r\nSet-Cookie: x\u{0}ü") == "https://aSet-Cookie: x")
    }
}
