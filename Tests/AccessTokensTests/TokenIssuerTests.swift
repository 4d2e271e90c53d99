import Testing

@testable import AccessTokens

@Suite struct TokenIssuerTests {
    @Test(
        "an issuer has to be a URL that may be asked",
        arguments: [
            "", "example.com", "http://example.com", "ftp://example.com", "https://", "https:///x", "https://a b",
            "https://user@example.com", "https://user:pass@example.com", "https://example.com/#x",
            "https://example.com/?x=1", "http://127.evil.example", "http://127.0.0.1.evil.example",
            "http://127.0.0.1@evil.example", "http://127.0.0.256", "http://128.0.0.1", "http://localhost.example",
            "http://[::2]", "https://exämple.com", "https://example.com\r\nX: y", "javascript:alert(1)",
        ])
    func wrong(issuer: String) {
        #expect(throws: TokenIssuerError.issuer) { try TokenIssuer(issuer: issuer, audience: "a") }
    }

    @Test(
        "its description is where OpenID Connect puts it",
        arguments: [
            ("https://example.com", "https://example.com/.well-known/openid-configuration"),
            ("https://example.com/", "https://example.com/.well-known/openid-configuration"),
            ("https://example.com/realms/a", "https://example.com/realms/a/.well-known/openid-configuration"),
            ("http://localhost:8080", "http://localhost:8080/.well-known/openid-configuration"),
            ("http://127.1.2.3", "http://127.1.2.3/.well-known/openid-configuration"),
            ("http://[::1]:80", "http://[::1]:80/.well-known/openid-configuration"),
        ])
    func description(issuer: String, url: String) throws {
        let description = try #require(KeyURL(url))
        #expect(try TokenIssuer(issuer: issuer, audience: "a").keys == .discovered(description: description))
    }

    @Test("with the keys' URL known, any name will do, and the URL has to be one that may be asked")
    func keys() throws {
        let url = try #require(KeyURL("https://example.com/keys?v=1"))
        let issuer = try TokenIssuer(issuer: "ci", audience: "a", keysURL: "https://example.com/keys?v=1", leeway: -5)
        #expect(issuer.keys == .known(url))
        #expect(issuer.leeway == 0)
        #expect(throws: TokenIssuerError.keys) {
            try TokenIssuer(issuer: "ci", audience: "a", keysURL: "http://example.com/keys")
        }
        #expect(throws: TokenIssuerError.audience) { try TokenIssuer(issuer: "https://a.example", audience: "") }
        #expect(throws: TokenIssuerError.algorithms) {
            try TokenIssuer(issuer: "https://a.example", audience: "a", algorithms: [])
        }
    }

    @Test(
        "a redirect stays within its scheme and may go to another host",
        arguments: [
            ("https://a.example/x/y", "z", "https://a.example/x/z"), ("https://a.example", "/z", "https://a.example/z"),
            ("https://a.example/x", "https://b.example/z", "https://b.example/z"),
            ("http://127.0.0.1:1/x", "http://localhost:2/z", "http://localhost:2/z"),
            ("https://a.example/x", "http://localhost/z", nil), ("http://localhost/x", "https://a.example/z", nil),
            ("http://localhost/x", "//a.example/z", nil), ("https://a.example/x", "https://u:p@b.example/", nil),
            ("https://a.example/x", "ftp://b.example/", nil),
            ("https://a.example/x", String(repeating: "z", count: 2100), nil),
        ] as [(String, String, String?)])
    func redirects(from: String, location: String, to: String?) throws {
        #expect(try #require(KeyURL(from)).redirected(to: location)?.text == to)
    }
}
