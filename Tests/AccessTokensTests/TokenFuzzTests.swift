import CrierTesting
import StrictJSON
import Testing

@testable import AccessTokens

@Suite struct TokenFuzzTests {
    private let alphabet = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.=+ ".utf8)

    @Test("a token with any one byte changed is not verified")
    func changed() async throws {
        let keys = [try SigningKey.rsa.get(), .es256("ec"), .edDSA("ed")]
        try await VerifierFixture.with(keys) { fixture in
            for key in keys {
                let token = Array(try key.token(fixture.claims()).utf8)
                #expect(await fixture.refusal(String(decoding: token, as: UTF8.self)) == nil)
                for index in token.indices {
                    for bits in [0x01, 0x02, 0x20, 0x80] as [UInt8] {
                        var changed = token
                        changed[index] ^= bits
                        #expect(
                            await fixture.refusal(String(decoding: changed, as: UTF8.self)) != nil, "\(index) ^ \(bits)"
                        )
                    }
                }
            }
        }
    }

    @Test("the last character of each part has one form only")
    func lastCharacters() async throws {
        let key = SigningKey.es256("ec")
        try await VerifierFixture.with([key]) { fixture in
            // Claims of a length at which the last character has bits left over.
            for pad in ["", "x", "xx"] {
                let token = try key.token(fixture.claims(["pad": "\"\(pad)\""]))
                #expect(await fixture.refusal(token) == nil)
                let bytes = Array(token.utf8)
                let ends = bytes.indices.filter { $0 + 1 == bytes.count || bytes[$0 + 1] == UInt8(ascii: ".") }
                #expect(ends.count == 3)
                for end in ends {
                    for other in alphabet where other != bytes[end] {
                        var changed = bytes
                        changed[end] = other
                        #expect(await fixture.refusal(String(decoding: changed, as: UTF8.self)) != nil)
                    }
                }
            }
        }
    }

    @Test("a token that is cut short, or that something is added to, is not verified")
    func truncated() async throws {
        let key = SigningKey.edDSA("ed")
        try await VerifierFixture.with([key]) { fixture in
            let token = try key.token(fixture.claims())
            for length in 0..<token.utf8.count {
                #expect(await fixture.refusal(String(token.prefix(length))) != nil)
                #expect(await fixture.refusal(String(token.suffix(length))) != nil)
            }
            for extra in [" ", "=", ".", "A", "\n", "\0", ".AAAA"] {
                #expect(await fixture.refusal(token + extra) != nil)
                #expect(await fixture.refusal(extra + token) != nil)
            }
        }
    }

    @Test("garbage is refused, whatever it is")
    func garbage() async throws {
        let key = SigningKey.edDSA("ed")
        var generator = SeededGenerator(seed: 7)
        try await VerifierFixture.with([key]) { fixture in
            let header = base64URL(#"{"alg":"EdDSA","kid":"ed"}"#.utf8)
            for _ in 0..<2000 {
                let count = Int.random(in: 0..<200, using: &generator)
                let bytes = (0..<count).map { _ in UInt8.random(in: 0...255, using: &generator) }
                let letters = (0..<count).map { _ in alphabet.randomElement(using: &generator) ?? 0 }
                for text in [
                    String(decoding: bytes, as: UTF8.self), String(decoding: letters, as: UTF8.self),
                    "\(base64URL(bytes)).\(base64URL(letters)).\(base64URL(bytes))",
                    "\(header).\(base64URL(bytes)).\(base64URL(letters))",
                ] {
                    #expect(await fixture.refusal(text) != nil)
                }
            }
            // Nested deeper than anything reads.
            let deep = base64URL(Array(repeating: UInt8(ascii: "["), count: 4000))
            #expect(await fixture.refusal("\(deep).\(deep).") == .malformed)
        }
    }

    @Test("signed claims that are garbage are refused")
    func garbageClaims() async throws {
        let key = SigningKey.edDSA("ed")
        var generator = SeededGenerator(seed: 11)
        try await VerifierFixture.with([key]) { fixture in
            let claims = Array(fixture.claims(["crier": #"{"publish":["a"]}"#, "name": #""A""#]).json.utf8)
            for _ in 0..<500 {
                var changed = claims
                for _ in 0..<Int.random(in: 1...4, using: &generator) {
                    changed[Int.random(in: changed.indices, using: &generator)] = UInt8.random(
                        in: 0...255, using: &generator)
                }
                let signed = "\(base64URL(#"{"alg":"EdDSA","kid":"ed"}"#.utf8)).\(base64URL(changed))"
                let token = "\(signed).\(base64URL(try key.sign(Array(signed.utf8))))"
                // Signed by the issuer, so some are right; none may do harm.
                if case .failure(let error) = await fixture.outcome(token) {
                    #expect(error.code != .badSignature && error.code != .issuerUnreachable)
                }
            }
        }
    }

    @Test("a key set that is garbage harms nothing, and its good keys are read")
    func garbageKeys() async throws {
        let good = SigningKey.edDSA("good")
        let models = [try SigningKey.rsa.get(), SigningKey.es256("ec"), good]
        var generator = SeededGenerator(seed: 13)
        let odd = [
            "1", "null", "[]", "{}", #"{"kty":"oct","k":"AAAA","kid":"good","alg":"HS256"}"#,
            #"{"kty":"RSA","n":"","e":""}"#, #"{"kty":"RSA","n":"AQAB","e":"AQAB","kid":"x"}"#,
            #"{"kty":"EC","crv":"P-256","x":"","y":""}"#, #"{"kty":"OKP","crv":"X25519","x":"AAAA"}"#,
            #"{"kty":"OKP","crv":"Ed448","x":"AAAA"}"#, #"{"kty":1}"#,
            "{\"kty\":\"RSA\",\"e\":\"AQAB\",\"n\":\"\(base64URL([UInt8](repeating: 0, count: 256)))\"}",
            "{\"kty\":\"RSA\",\"e\":\"AA\",\"n\":\"\(base64URL([UInt8](repeating: 255, count: 256)))\"}",
            "{\"kty\":\"RSA\",\"e\":\"AQ\",\"n\":\"\(base64URL([UInt8](repeating: 255, count: 1025)))\"}",
            "{\"kty\":\"RSA\",\"e\":\"_____w\",\"n\":\"\(base64URL([UInt8](repeating: 254, count: 300)))\"}",
        ]
        for _ in 0..<100 {
            let mutated = models.map { key in
                var bytes = Array(key.webKey.utf8)
                let index = Int.random(in: bytes.indices, using: &generator)
                bytes[index] = alphabet.randomElement(using: &generator) ?? 0
                return String(decoding: bytes, as: UTF8.self)
            }.filter { (try? JSONValue.parse($0)) != nil }
            let document = #"{"keys":[\#((odd + mutated + [good.webKey]).joined(separator: ","))]}"#
            let keys = try await KeyIndex(Array(document.utf8), allowing: Set(SigningAlgorithm.allCases))
            guard case .found = keys.find(KeyQuery(id: "good", algorithm: .edDSA)) else {
                Issue.record("the good key is not found")
                continue
            }
        }
        let many = Array(repeating: "{}", count: KeyIndex.maxKeys + 1).joined(separator: ",")
        await #expect(throws: KeySourceError.self) {
            try await KeyIndex(Array(#"{"keys":[\#(many)]}"#.utf8), allowing: [.rs256])
        }
    }
}
