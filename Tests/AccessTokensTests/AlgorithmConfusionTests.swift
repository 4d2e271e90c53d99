import CrierTesting
import Crypto
import Testing

@testable import AccessTokens

@Suite struct AlgorithmConfusionTests {
    private func hmacToken(_ claims: TestClaims, secret: some Sequence<UInt8>, header: String) -> String {
        let signed = "\(base64URL(header.utf8)).\(base64URL(claims.json.utf8))"
        let code = HMAC<SHA256>.authenticationCode(
            for: Array(signed.utf8), using: SymmetricKey(data: Array(secret)))
        return "\(signed).\(base64URL(code))"
    }

    @Test("a public key is no secret to sign with, whatever the header says")
    func publicKeyAsSecret() async throws {
        let key = try SigningKey.rsa.get()
        try await VerifierFixture.with([key]) { (fixture) async throws in
            #expect(try await fixture.refusal(key.token(fixture.claims())) == nil)
            for secret in [key.pem, key.pem + "\n", key.members["n"] ?? "", ""] {
                for algorithm in ["HS256", "hs256", "HS384"] {
                    let token = hmacToken(
                        fixture.claims(), secret: secret.utf8, header: #"{"alg":"\#(algorithm)","kid":"rsa"}"#)
                    #expect(await fixture.refusal(token) == .algorithmNotAllowed)
                }
                let token = hmacToken(
                    fixture.claims(), secret: secret.utf8, header: #"{"alg":"RS256","kid":"rsa"}"#)
                #expect(await fixture.refusal(token) == .badSignature)
            }
        }
    }

    @Test("an unsigned token is refused", arguments: ["none", "None", "NONE", "nOnE", ""])
    func unsigned(algorithm: String) async throws {
        try await VerifierFixture.with([try SigningKey.rsa.get()]) { fixture in
            let claims = base64URL(fixture.claims().json.utf8)
            for kid in ["", #","kid":"rsa""#] {
                let header = base64URL(#"{"alg":"\#(algorithm)"\#(kid)}"#.utf8)
                #expect(await fixture.refusal("\(header).\(claims).") == .algorithmNotAllowed)
                #expect(await fixture.refusal("\(header).\(claims).AAAA") == .algorithmNotAllowed)
                #expect(await fixture.refusal("\(header).\(claims)") == .malformed)
            }
        }
    }

    @Test("a key verifies no other kind's algorithm")
    func otherKind() async throws {
        let rsa = try SigningKey.rsa.get()
        let elliptic = SigningKey.es256("ec")
        try await VerifierFixture.with([rsa, elliptic]) { fixture in
            let crossed = try elliptic.token(fixture.claims(), header: #"{"alg":"ES256","kid":"rsa"}"#)
            #expect(await fixture.refusal(crossed) == .algorithmNotAllowed)
            let other = try rsa.token(fixture.claims(), header: #"{"alg":"RS256","kid":"ec"}"#)
            #expect(await fixture.refusal(other) == .algorithmNotAllowed)
            let mislabelled = try elliptic.token(fixture.claims(), header: #"{"alg":"RS256","kid":"rsa"}"#)
            #expect(await fixture.refusal(mislabelled) == .badSignature)
        }
    }

    @Test(
        "a key that says it is for something else verifies nothing",
        arguments: [
            #""alg":"RS512""#, #""alg":"RSA-OAEP""#, #""alg":1"#, #""use":"enc""#, #""use":null"#,
            #""key_ops":["sign"]"#, #""key_ops":"verify""#,
        ])
    func otherUse(member: String) async throws {
        let key = try SigningKey.rsa.get()
        try await VerifierFixture.with([], algorithms: [.rs256, .es256]) { (fixture) async throws in
            fixture.issuer.answer(
                LoopbackIssuer.keysPath, .reply(body: #"{"keys":[\#(key.webKey.dropLast()),\#(member)}]}"#))
            #expect(try await fixture.refusal(key.token(fixture.claims())) == .unknownKey)
        }
    }

    @Test(
        "a key that says it is for this verifies",
        arguments: [
            #""alg":"RS256""#, #""use":"sig""#, #""key_ops":["verify"]"#, #""alg":"RS256","use":"sig","x5c":["AA=="]"#,
        ])
    func ownUse(member: String) async throws {
        let key = try SigningKey.rsa.get()
        try await VerifierFixture.with([]) { (fixture) async throws in
            fixture.issuer.answer(
                LoopbackIssuer.keysPath, .reply(body: #"{"keys":[\#(key.webKey.dropLast()),\#(member)}]}"#))
            #expect(try await fixture.refusal(key.token(fixture.claims())) == nil)
        }
    }

    @Test("a curve verifies its own algorithm only, and only with coordinates of its length")
    func otherCurve() async throws {
        let key = SigningKey.es256("ec")
        var relabelled = key
        relabelled.members["crv"] = "P-384"
        var shifted = key
        let x = key.members["x"] ?? ""
        shifted.members["x"] = String(x.dropLast(4))
        for wrong in [relabelled, shifted] {
            try await VerifierFixture.with([wrong], algorithms: [.es256, .es384]) { (fixture) async throws in
                #expect(try await fixture.refusal(key.token(fixture.claims())) == .unknownKey)
            }
        }
    }

    @Test("keys that a token brings along or points to are not used, and a crit is never understood")
    func headerMembers() async throws {
        let key = SigningKey.es256("ec")
        let forger = SigningKey.es256("ec")
        try await VerifierFixture.with([key]) { (fixture) async throws in
            fixture.issuer.answer("/forged", .reply(body: #"{"keys":[\#(forger.webKey)]}"#))
            for member in [#""jwk":\#(forger.webKey)"#, #""jku":"\#(fixture.issuer.url)/forged""#, #""x5c":["AA=="]"#] {
                let header = #"{"alg":"ES256","kid":"ec",\#(member)}"#
                #expect(try await fixture.refusal(forger.token(fixture.claims(), header: header)) == .badSignature)
                #expect(try await fixture.refusal(key.token(fixture.claims(), header: header)) == nil)
            }
            #expect(fixture.issuer.requests(to: "/forged") == 0)
            for member in [
                #""crit":["exp"]"#, #""crit":[]"#, #""crit":null"#, #""typ":"JOSE""#, #""typ":1"#, #""alg":"ES256""#,
                #""kid":1"#,
            ] {
                let kid = member.contains("kid") ? "" : #","kid":"ec""#
                let header = #"{"alg":"ES256"\#(kid),\#(member)}"#
                #expect(try await fixture.refusal(key.token(fixture.claims(), header: header)) == .malformed)
            }
            for type in ["jwt", "JWT", "at+jwt", "application/at+jwt"] {
                let header = #"{"alg":"ES256","kid":"ec","typ":"\#(type)"}"#
                #expect(try await fixture.refusal(key.token(fixture.claims(), header: header)) == nil)
            }
        }
    }
}
