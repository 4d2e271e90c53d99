import CrierTesting
import MessageBus
import Testing

@testable import AccessTokens

@Suite struct ClaimReaderTests {
    private func read(_ changes: [String: String?]) throws -> AccessClaims {
        let issuer = try TokenIssuer(issuer: "https://i.example", audience: "crier")
        return try ClaimReader.read(Array(TestClaims(issuer: "https://i.example", changes).json.utf8), from: issuer)
    }

    @Test(
        "a claim of a wrong type or beyond its bounds is an error, never left out",
        arguments: [
            ["aud": "1"], ["aud": "null"], ["aud": #"["crier",1]"#], ["sub": "1"], ["sub": #""""#], ["sub": "null"],
            ["sub": "\"\(String(repeating: "x", count: 256))\""], ["name": "1"], ["name": "null"], ["name": "[]"],
            ["preferred_username": "{}"], ["exp": #""1800003600""#], ["exp": "null"], ["exp": "true"],
            ["exp": "1e999"], ["nbf": #""0""#], ["nbf": "null"], ["iat": "[]"], ["crier": "null"], ["crier": "[]"],
            ["crier": #""*""#], ["crier": #"{"publish":"*"}"#], ["crier": #"{"publish":null}"#],
            ["crier": #"{"publish":[1]}"#], ["crier": #"{"subscribe":[""]}"#],
            ["crier": "{\"publish\":[\"\(String(repeating: "x", count: 65))\"]}"],
            ["crier": "{\"publish\":[\(Array(repeating: "\"a\"", count: 65).joined(separator: ","))]}"],
        ])
    func wrong(changes: [String: String]) {
        #expect {
            try read(changes)
        } throws: {
            ($0 as? TokenError)?.code == .claimsInvalid
        }
    }

    @Test(
        "what is no JSON object has no claims",
        arguments: ["", "[]", "1", "{", #"{"a":1,"a":2}"#, "{\"a\":\"\u{0}\"}", "{} {}"])
    func noObject(payload: String) throws {
        let issuer = try TokenIssuer(issuer: "https://i.example", audience: "crier")
        #expect {
            try ClaimReader.read(Array(payload.utf8), from: issuer)
        } throws: {
            ($0 as? TokenError)?.code == .claimsInvalid
        }
    }

    @Test(
        "times are seconds, whole or not, held at the ends of the range",
        arguments: [
            ("1800003600", 1_800_003_600_000), ("1800003600.25", 1_800_003_600_250), ("1.8e9", 1_800_000_000_000),
            ("9e18", .max), ("9223372036854775807", .max), ("1e308", .max), ("-1e308", .min), ("-0.5", -500),
            ("1e-400", 0), ("0.0004", 0), ("-9223372036854775808", .min), ("99999999999999999999", .max),
        ] as [(String, Int64)])
    func times(text: String, milliseconds: Int64) throws {
        #expect(try read(["exp": text]).expiry.milliseconds == milliseconds)
    }

    @Test("no check of a time overflows")
    func extremes() throws {
        for (exp, nbf) in [("1e308", "-1e308"), ("-1e308", "1e308")] {
            let claims = try read(["exp": exp, "nbf": nbf, "iat": nil])
            for now in [Int64.min, -1, 0, 1_800_000_000_000, .max] {
                _ = try? claims.check(at: WallTime(milliseconds: now), leeway: .max)
                _ = try? claims.check(at: WallTime(milliseconds: now), leeway: 0)
            }
        }
    }

    @Test("the name is the first of name, preferred_username and sub that is there")
    func names() throws {
        #expect(try read(["name": #""A""#, "preferred_username": #""b""#]).displayName == "A")
        #expect(try read(["name": #""""#, "preferred_username": #""b""#]).displayName == "b")
        #expect(try read(["preferred_username": #""b""#]).displayName == "b")
        #expect(try read([:]).displayName == "u-1")
    }

    @Test("grants are what the token says, and nothing where it says nothing")
    func grants() throws {
        #expect(try read([:]).grants == nil)
        #expect(try read(["crier": "{}"]).grants == .init())
        let most = Array(repeating: "\"\(String(repeating: "x", count: 64))\"", count: 64).joined(separator: ",")
        #expect(try read(["crier": "{\"publish\":[\(most)]}"]).grants?.publish.count == 64)
    }

    @Test("the issuer and the audience are compared by their bytes")
    func bytes() throws {
        // The same letter, composed and decomposed: equal to Swift.
        #expect(throws: TokenError.wrongIssuer) {
            let issuer = try TokenIssuer(
                issuer: "caf\u{E9}", audience: "crier", keysURL: "https://i.example/keys")
            _ = try ClaimReader.read(Array(TestClaims(issuer: "cafe\u{301}").json.utf8), from: issuer)
        }
        #expect(throws: TokenError.wrongAudience) {
            let issuer = try TokenIssuer(issuer: "https://i.example", audience: "caf\u{E9}")
            let claims = TestClaims(issuer: "https://i.example", ["aud": "\"cafe\u{301}\""])
            _ = try ClaimReader.read(Array(claims.json.utf8), from: issuer)
        }
    }
}
