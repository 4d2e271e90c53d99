import CrierTesting
import Testing

@testable import AccessTokens

@Suite struct HTTPKeySourceTests {
    private func fetch(
        _ issuer: LoopbackIssuer, keysURL: String? = nil, timeout: Duration = HTTPKeySource.timeout
    ) async throws -> Result<KeyDocument, KeySourceError> {
        let source = HTTPKeySource(
            try TokenIssuer(issuer: issuer.url, audience: "crier", keysURL: keysURL), timeout: timeout)
        do throws(KeySourceError) {
            return .success(try await source.fetch())
        } catch {
            return .failure(error)
        }
    }

    @Test("keys are found by the issuer's description, or at their own URL without it")
    func found() async throws {
        try await LoopbackIssuer.with { (issuer) async throws in
            issuer.serve([], cacheControl: "public, max-age=77")
            let keys = KeyDocument(bytes: Array(#"{"keys":[]}"#.utf8), maxAge: 77)
            #expect(try await fetch(issuer) == .success(keys))
            #expect(try await fetch(issuer, keysURL: "http://localhost:\(issuer.port)/keys") == .success(keys))
            #expect(issuer.requests(to: LoopbackIssuer.descriptionPath) == 1)
        }
    }

    @Test("another issuer's description, or one without keys that may be asked for, is refused")
    func description() async throws {
        try await LoopbackIssuer.with { issuer in
            for body in [
                #"{"issuer":"https://other.example","jwks_uri":"\#(issuer.url)/keys"}"#,
                #"{"issuer":"\#(issuer.url)/","jwks_uri":"\#(issuer.url)/keys"}"#,
                #"{"jwks_uri":"\#(issuer.url)/keys"}"#, #"{"issuer":"\#(issuer.url)"}"#,
                #"{"issuer":"\#(issuer.url)","jwks_uri":"http://example.com/keys"}"#,
                #"{"issuer":"\#(issuer.url)","jwks_uri":"file:///etc/passwd"}"#, "[]", "", "{",
            ] {
                issuer.serve([])
                issuer.answer(LoopbackIssuer.descriptionPath, .reply(body: body))
                await #expect(throws: KeySourceError.self) { try await fetch(issuer).get() }
            }
            #expect(issuer.fetches == 0)
        }
    }

    @Test("redirects are followed three times, and not to where keys must not come from")
    func redirects() async throws {
        try await LoopbackIssuer.with { issuer in
            issuer.serve([])
            func lead(_ path: String, _ target: String, _ status: Int = 302) {
                issuer.answer(path, .reply(status: status, headers: ["Location": target]))
            }
            lead("/1", "/2", 301)
            lead("/2", "\(issuer.url)/3", 307)
            lead("/3", "keys", 308)
            await #expect(throws: Never.self) { try await fetch(issuer, keysURL: "\(issuer.url)/1").get() }
            lead("/0", "/1", 303)
            await #expect(throws: KeySourceError.self) { try await fetch(issuer, keysURL: "\(issuer.url)/0").get() }
            let fetches = issuer.fetches
            for target in [
                "https://127.0.0.1:\(issuer.port)/keys", "http://example.com/keys", "//example.com/keys",
                "file:///etc/passwd", "http://user:x@127.0.0.1:\(issuer.port)/keys", "", "http://[",
            ] {
                lead("/1", target)
                await #expect(throws: KeySourceError.self, "\(target)") {
                    try await fetch(issuer, keysURL: "\(issuer.url)/1").get()
                }
            }
            issuer.answer("/1", .reply(status: 302))
            await #expect(throws: KeySourceError.self) { try await fetch(issuer, keysURL: "\(issuer.url)/1").get() }
            #expect(issuer.fetches == fetches)
        }
    }

    @Test("no more than 256 KiB are read")
    func size() async throws {
        try await LoopbackIssuer.with { (issuer) async throws in
            let keysURL = issuer.url + LoopbackIssuer.keysPath
            issuer.answer(LoopbackIssuer.keysPath, .reply(body: String(repeating: " ", count: 262_144)))
            #expect(try await fetch(issuer, keysURL: keysURL).get().bytes.count == 262_144)
            issuer.answer(LoopbackIssuer.keysPath, .reply(body: String(repeating: " ", count: 262_145)))
            await #expect(throws: KeySourceError.self) { try await fetch(issuer, keysURL: keysURL).get() }
        }
    }

    @Test("an issuer that does not answer, or not to the end, is given up")
    func time() async throws {
        try await LoopbackIssuer.with { issuer in
            for answer in [LoopbackIssuer.Answer.silent, .stalled, .hungUp, .reply(status: 500), .reply(status: 204)] {
                issuer.answer(LoopbackIssuer.descriptionPath, answer)
                await #expect(throws: KeySourceError.self) {
                    try await fetch(issuer, timeout: .milliseconds(300)).get()
                }
            }
            await issuer.stop()
            await #expect(throws: KeySourceError.self) { try await fetch(issuer).get() }
        }
    }

    @Test(
        "how long an answer may be kept is read from Cache-Control",
        arguments: [
            ([], nil), (["max-age=600"], 600), (["public, MAX-AGE = 60"], 60), (["max-age=\"5\""], 5),
            (["max-age=99999999999999999999"], .max), (["max-age=-1"], nil), (["max-age="], nil), (["max-age"], nil),
            (["max-age=1e3"], nil), (["s-maxage=5"], nil), (["no-store"], 0), (["max-age=60", "no-cache"], 0),
            (["max-age=60", "max-age=30"], 30), (["=,=="], nil),
        ] as [([String], Int64?)])
    func maxAge(fields: [String], seconds: Int64?) {
        #expect(MaxAge.read(fields) == seconds)
    }
}
