import CrierTesting
import MessageBus
import Testing

@testable import AccessTokens

@Suite struct TokenVerifierTests {
    @Test("a token of each algorithm is verified with the key that it names")
    func good() async throws {
        let keys = [try SigningKey.rsa.get(), .es256("ec"), .edDSA("ed")]
        try await VerifierFixture.with(keys) { fixture in
            for key in keys {
                let token = try key.token(
                    fixture.claims([
                        "name": #""Ada""#, "nbf": "1799999990.5",
                        "crier": #"{"publish":["deploys"],"subscribe":["*","ops-*"],"later":1}"#,
                    ]))
                #expect(
                    try await fixture.verifier.verify(token)
                        == AccessClaims(
                            subject: "u-1", displayName: "Ada", expiry: WallTime(seconds: 1_800_003_600),
                            notBefore: WallTime(seconds: 1_800_000_000),
                            grants: .init(publish: ["deploys"], subscribe: ["*", "ops-*"])))
            }
            #expect(fixture.issuer.fetches == 1)
        }
    }

    @Test("further algorithms are verified where they are allowed")
    func further() async throws {
        let key = SigningKey.es384("ec")
        try await VerifierFixture.with([key], algorithms: [.es384]) { (fixture) async throws in
            #expect(try await fixture.refusal(key.token(fixture.claims())) == nil)
        }
        try await VerifierFixture.with([key]) { (fixture) async throws in
            #expect(try await fixture.refusal(key.token(fixture.claims())) == .algorithmNotAllowed)
            #expect(fixture.issuer.fetches == 0)
        }
    }

    @Test("a token that names no key is verified with the only one for its algorithm")
    func noKeyNamed() async throws {
        var nameless = SigningKey.es256(nil)
        try await VerifierFixture.with([nameless, .edDSA("ed")]) { (fixture) async throws in
            #expect(try await fixture.refusal(nameless.token(fixture.claims())) == nil)
            nameless.id = "ed"
            #expect(try await fixture.refusal(nameless.token(fixture.claims())) == .algorithmNotAllowed)
        }
        nameless.id = nil
        try await VerifierFixture.with([nameless, .es256("other")]) { (fixture) async throws in
            #expect(try await fixture.refusal(nameless.token(fixture.claims())) == .unknownKey)
        }
    }

    @Test(
        "a claim that is wrong refuses the token, and says what is wrong",
        arguments: [
            (["iss": #""https://other.example""#], TokenError.Code.wrongIssuer), (["iss": nil], .wrongIssuer),
            (["iss": "1"], .wrongIssuer), (["aud": #""other""#], .wrongAudience), (["aud": nil], .wrongAudience),
            (["aud": "[]"], .wrongAudience), (["aud": #"["a","b"]"#], .wrongAudience),
            (["exp": "1799999970"], .expired), (["exp": "-1e300"], .expired), (["exp": "0"], .expired),
            (["nbf": "1800000031"], .notYetValid), (["iat": "1800000031"], .notYetValid),
            (["nbf": "1e300"], .notYetValid), (["exp": nil], .claimsInvalid), (["sub": nil], .claimsInvalid),
        ] as [([String: String?], TokenError.Code)])
    func wrongClaims(changes: [String: String?], code: TokenError.Code) async throws {
        let key = SigningKey.edDSA("ed")
        try await VerifierFixture.with([key]) { fixture in
            let outcome = try await fixture.outcome(key.token(fixture.claims(changes)))
            guard case .failure(let error) = outcome else {
                Issue.record("accepted")
                return
            }
            #expect(error.code == code)
            #expect(error.challenge == #"Bearer error="invalid_token", error_description="\#(error.message)""#)
            // What an error_description may hold (RFC 6750 section 3).
            #expect(error.message.utf8.allSatisfy { (0x20...0x7E).contains($0) && $0 != 0x22 && $0 != 0x5C })
        }
    }

    @Test("one of several audiences is enough")
    func audiences() async throws {
        let key = SigningKey.edDSA("ed")
        try await VerifierFixture.with([key]) { fixture in
            let token = try key.token(fixture.claims(["aud": #"["other","crier"]"#]))
            #expect(await fixture.refusal(token) == nil)
        }
    }

    @Test("another key's signature is wrong")
    func badSignature() async throws {
        let key = SigningKey.es256("ec")
        let forger = SigningKey.es256("ec")
        try await VerifierFixture.with([key]) { fixture in
            #expect(try await fixture.refusal(forger.token(fixture.claims())) == .badSignature)
            let token = try key.token(fixture.claims())
            let shorter = String(token[...token.lastIndex(of: ".")!])
            #expect(await fixture.refusal(shorter) == .badSignature)
            #expect(await fixture.refusal(shorter + base64URL([UInt8](repeating: 0, count: 64))) == .badSignature)
            #expect(await fixture.refusal(shorter + base64URL([UInt8](repeating: 255, count: 5000))) == .badSignature)
        }
    }

    @Test("a token expires at its expiry and the leeway, also where it was verified before")
    func expiry() async throws {
        let key = SigningKey.es256("ec")
        try await VerifierFixture.with([key], cacheControl: "max-age=86400") { fixture in
            let token = try key.token(fixture.claims(["exp": "1800000100.5", "nbf": "1800000010", "iat": nil]))
            fixture.clock.advance(milliseconds: -20_001)
            #expect(await fixture.refusal(token) == .notYetValid)
            fixture.clock.advance(milliseconds: 1)
            #expect(await fixture.refusal(token) == nil)
            fixture.clock.advance(milliseconds: 20_000 + 130_499)
            #expect(await fixture.refusal(token) == nil)
            let other = try key.token(fixture.claims(["exp": "1800000100.5"]))
            #expect(await fixture.refusal(other) == nil)
            fixture.clock.advance(milliseconds: 1)
            #expect(await fixture.refusal(token) == .expired)
            #expect(await fixture.refusal(token) == .expired)
            #expect(try await fixture.refusal(key.token(fixture.claims(["exp": "1800000100.4"]))) == .expired)
            // A clock that is set back does not bring a token to life that is not valid yet.
            fixture.clock.advance(milliseconds: -200_000)
            #expect(await fixture.refusal(token) == .notYetValid)
        }
    }

    @Test("a token is refused before it is read where it is longer than 8 KiB")
    func length() async throws {
        let key = SigningKey.edDSA("ed")
        try await VerifierFixture.with([key]) { fixture in
            let long = try key.token(fixture.claims(["pad": "\"\(String(repeating: "x", count: 5800))\""]))
            #expect(long.utf8.count <= SignedToken.maxBytes)
            #expect(await fixture.refusal(long) == nil)
            let longer = try key.token(fixture.claims(["pad": "\"\(String(repeating: "x", count: 6200))\""]))
            #expect(longer.utf8.count > SignedToken.maxBytes)
            #expect(await fixture.outcome(longer) == .failure(.tooLong))
            #expect(await fixture.refusal(String(repeating: "a.", count: 1 << 20)) == .malformed)
        }
    }

    @Test("verified tokens are remembered up to a bound, and verified again past it", arguments: [0, 1, 2, 100])
    func remembered(capacity: Int) async throws {
        let key = SigningKey.edDSA("ed")
        try await VerifierFixture.with([key], capacity: capacity) { fixture in
            let tokens = try (0..<5).map { try key.token(fixture.claims(["sub": "\"u-\($0)\""])) }
            for _ in 0..<3 {
                for (number, token) in tokens.enumerated() {
                    #expect(try await fixture.verifier.verify(token).subject == "u-\(number)")
                }
            }
        }
    }
}
