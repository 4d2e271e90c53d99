import CrierTesting
import Logging
import MessageBus
import Testing

@testable import AccessTokens

@Suite struct KeyRotationTests {
    private static let minute: Int64 = 60_000

    @Test("a key that is not known yet is fetched")
    func rotation() async throws {
        let old = SigningKey.es256("old")
        let new = SigningKey.es256("new")
        try await VerifierFixture.with([old]) { fixture in
            let (oldToken, newToken) = (try old.token(fixture.claims()), try new.token(fixture.claims()))
            #expect(await fixture.refusal(oldToken) == nil)
            fixture.issuer.serve([old, new])
            #expect(await fixture.refusal(newToken) == nil)
            #expect(await fixture.refusal(oldToken) == nil)
            #expect(fixture.issuer.fetches == 2)
        }
    }

    @Test("storms of unknown keys make one fetch in half a minute")
    func storm() async throws {
        let key = SigningKey.edDSA("ed")
        try await VerifierFixture.with([key]) { fixture in
            let good = try key.token(fixture.claims())
            #expect(await fixture.refusal(good) == nil)
            for round in 1...3 {
                var forger = key
                let codes = try await withThrowingTaskGroup(of: TokenError.Code?.self) { group in
                    for number in 0..<300 {
                        forger.id = "unknown-\(number)"
                        let token = try forger.token(fixture.claims())
                        group.addTask { await fixture.refusal(token) }
                    }
                    return try await group.reduce(into: []) { $0.append($1) }
                }
                #expect(codes == Array(repeating: .unknownKey, count: 300))
                #expect(await fixture.refusal(good) == nil)
                #expect(fixture.issuer.fetches == 1 + round)
                fixture.clock.advance(milliseconds: 29_999)
                #expect(try await fixture.refusal(forger.token(fixture.claims())) == .unknownKey)
                #expect(fixture.issuer.fetches == 1 + round)
                fixture.clock.advance(milliseconds: 1)
            }
        }
    }

    @Test("all who come before there are keys share one fetch")
    func shared() async throws {
        let key = SigningKey.edDSA("ed")
        try await VerifierFixture.with([key], capacity: 0) { fixture in
            let token = try key.token(fixture.claims())
            await withTaskGroup(of: TokenError.Code?.self) { group in
                for _ in 0..<200 { group.addTask { await fixture.refusal(token) } }
                for await code in group { #expect(code == nil) }
            }
            #expect(fixture.issuer.fetches == 1)
        }
    }

    @Test(
        "keys are fetched in the background before they are old, as long as the answer says",
        arguments: [
            (nil, 480), ("max-age=3600", 2880), ("max-age=1", 48), ("no-store", 48), ("max-age=9999999", 69_120),
        ]
            as [(String?, Int64)])
    func background(cacheControl: String?, seconds: Int64) async throws {
        let key = SigningKey.edDSA("ed")
        try await VerifierFixture.with([key], cacheControl: cacheControl) { fixture in
            let token = try key.token(fixture.claims(["exp": "1900000000"]))
            #expect(await fixture.refusal(token) == nil)
            fixture.clock.advance(milliseconds: seconds * 1000 - 1)
            #expect(await fixture.refusal(token) == nil)
            #expect(fixture.issuer.fetches == 1)
            fixture.issuer.answer(LoopbackIssuer.descriptionPath, .silent)
            let asked = fixture.issuer.requests(to: LoopbackIssuer.descriptionPath)
            fixture.clock.advance(milliseconds: 1)
            // Nobody waits for it: the issuer does not answer.
            #expect(await fixture.refusal(token) == nil)
            try await eventually("a reading of the description") {
                fixture.issuer.requests(to: LoopbackIssuer.descriptionPath) == asked + 1
            }
            #expect(await fixture.refusal(token) == nil)
        }
    }

    @Test("a key that was taken back takes the tokens with it that it had verified")
    func withdrawal() async throws {
        let key = SigningKey.edDSA("ed")
        let next = SigningKey.edDSA("ed")
        try await VerifierFixture.with([key, .es256("ec")]) { fixture in
            let token = try key.token(fixture.claims())
            #expect(await fixture.refusal(token) == nil)
            fixture.issuer.serve([.es256("ec")])
            fixture.clock.advance(milliseconds: 10 * Self.minute)
            #expect(await fixture.refusal(token) == .unknownKey)
            // Another key under the same name does not bring it back.
            fixture.issuer.serve([next])
            fixture.clock.advance(milliseconds: 10 * Self.minute)
            #expect(await fixture.refusal(token) == .badSignature)
            #expect(try await fixture.refusal(next.token(fixture.claims())) == nil)
        }
    }

    @Test("an issuer that is away at the start is asked again every five seconds")
    func awayAtStart() async throws {
        let key = SigningKey.edDSA("ed")
        try await VerifierFixture.with([key]) { fixture in
            let token = try key.token(fixture.claims())
            fixture.issuer.answer(LoopbackIssuer.keysPath, .hungUp)
            #expect(await fixture.outcome(token) == .failure(.issuerUnreachable(retryAfter: 6)))
            #expect(await fixture.outcome(token) == .failure(.issuerUnreachable(retryAfter: 6)))
            #expect(await fixture.outcome(token).failure?.challenge == nil)
            #expect(fixture.issuer.fetches == 1)
            fixture.issuer.serve([key])
            fixture.clock.advance(milliseconds: 4_999)
            #expect(await fixture.refusal(token) == .issuerUnreachable)
            fixture.clock.advance(milliseconds: 1)
            #expect(await fixture.refusal(token) == nil)
            #expect(fixture.issuer.fetches == 2)
        }
    }

    @Test("while the issuer is away its last keys stay valid for a day after they became old, and then no more")
    func awayLater() async throws {
        let key = SigningKey.edDSA("ed")
        var unknown = key
        unknown.id = "unknown"
        try await VerifierFixture.with([key]) { fixture in
            let token = try key.token(fixture.claims(["exp": "1900000000"]))
            #expect(await fixture.refusal(token) == nil)
            await fixture.issuer.stop()
            for minutes in [10, 1, 60, 600, 778] as [Int64] {
                fixture.clock.advance(milliseconds: minutes * Self.minute)
                #expect(await fixture.refusal(token) == nil)
                #expect(try await fixture.refusal(unknown.token(fixture.claims())) == .issuerUnreachable)
            }
            fixture.clock.advance(milliseconds: Self.minute - 1)
            #expect(await fixture.refusal(token) == nil)
            fixture.clock.advance(milliseconds: 1)
            #expect(await fixture.refusal(token) == .issuerUnreachable)
        }
    }

    @Test("an answer that is no key set leaves the keys as they were", arguments: ["", "[]", "{}", #"{"keys":{}}"#])
    func noKeySet(body: String) async throws {
        let key = SigningKey.edDSA("ed")
        try await VerifierFixture.with([key]) { fixture in
            let token = try key.token(fixture.claims())
            #expect(await fixture.refusal(token) == nil)
            fixture.issuer.answer(LoopbackIssuer.keysPath, .reply(body: body))
            fixture.clock.advance(milliseconds: 10 * Self.minute)
            #expect(await fixture.refusal(token) == nil)
            #expect(fixture.issuer.fetches == 2)
        }
    }

    @Test("whoever waits when the verifier ends gets an answer, and so does whoever comes later")
    func end() async throws {
        let key = SigningKey.edDSA("ed")
        try await LoopbackIssuer.with { issuer in
            issuer.answer(LoopbackIssuer.descriptionPath, .silent)
            let clock = VirtualClock()
            let verifier = TokenVerifier(
                try TokenIssuer(issuer: issuer.url, audience: "crier"), clock: clock.wallClock,
                logger: Logger(label: "tokens.tests") { _ in SwiftLogNoOpLogHandler() })
            let fixture = VerifierFixture(issuer: issuer, verifier: verifier, clock: clock)
            let token = try key.token(fixture.claims())
            let running = Task { await verifier.run() }
            async let waiting = fixture.refusal(token)
            try await eventually("a reading of the description") {
                issuer.requests(to: LoopbackIssuer.descriptionPath) == 1
            }
            let start = ContinuousClock.now
            running.cancel()
            #expect(await waiting == .issuerUnreachable)
            // Sooner than the fetch would have been given up.
            #expect(ContinuousClock.now - start < HTTPKeySource.timeout)
            await running.value
            clock.advance(milliseconds: 60_000)
            #expect(await fixture.refusal(token) == .issuerUnreachable)
            #expect(issuer.requests(to: LoopbackIssuer.descriptionPath) == 1)
        }
    }
}

extension Result {
    var failure: Failure? {
        if case .failure(let error) = self { error } else { nil }
    }
}
