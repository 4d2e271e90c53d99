import CrierTesting
import CryptoExtras
import Foundation
import MessageBus
import NIOHTTP1
import StrictJSON
import Testing

@testable import GoogleBus

/// Calls whose tokens come from a stand-in for Google's token endpoint.
@Suite struct ServiceAccountTokensTests {
    private let clock = VirtualClock()

    private func with(
        _ script: LoopbackServer.Script, _ body: (PubSubAPI, LoopbackServer) async throws -> Void
    ) async throws {
        try await LoopbackServer.with(script) { server in
            try await APIFixture.with(
                KeyFixture.configuration(server), on: server, isEmulator: false, clock: clock.wallClock
            ) { try await body($0, server) }
        }
    }

    private func topicFailure(_ api: PubSubAPI) async -> PubSubError? {
        await failure { try await api.topic() }
    }

    /// Whether a request for a token is one that Google would grant, for the account of the key and this moment.
    private static func isGrantable(_ request: LoopbackServer.Request, on url: String, now: Int) throws -> Bool {
        var form: [String: String] = [:]
        for pair in request.text.split(separator: "&") {
            let parts = pair.split(separator: "=", maxSplits: 1)
            form[String(parts[0])] = String(parts[1]).removingPercentEncoding
        }
        guard request.headers["Content-Type"] == ["application/x-www-form-urlencoded"], request.method == .POST,
            form["grant_type"] == "urn:ietf:params:oauth:grant-type:jwt-bearer",
            let parts = form["assertion"]?.split(separator: "."), parts.count == 3
        else { return false }
        func bytes(_ part: Substring) -> [UInt8] {
            var text = part.map { $0 == "-" ? "+" : $0 == "_" ? "/" : $0 }
            while text.count % 4 != 0 { text.append("=") }
            return Base64.decode(String(text)) ?? []
        }
        let header = try JSONValue.parse(bytes(parts[0])).objectValue
        let claims = try JSONValue.parse(bytes(parts[1])).objectValue
        return try KeyFixture.key.get().publicKey.isValidSignature(
            .init(rawRepresentation: bytes(parts[2])), for: Data("\(parts[0]).\(parts[1])".utf8),
            padding: .insecurePKCS1v1_5)
            && header?["alg"]?.stringValue == "RS256" && header?["kid"]?.stringValue == "key-1"
            && claims?["iss"]?.stringValue == KeyFixture.email
            && claims?["scope"]?.stringValue == "https://www.googleapis.com/auth/pubsub"
            && claims?["aud"]?.stringValue == url + "/token"
            && claims?["iat"]?.intValue == now && claims?["exp"]?.intValue == now + 3600
    }

    @Test("a token is asked for with what the key has signed, kept, and renewed before it ends")
    func life() async throws {
        let issued = Counter()
        try await with(
            .by { request in
                guard request.path == "/token" else {
                    let expected = "Bearer t\(issued.value)"
                    return request.headers["Authorization"] == [expected] ? .reply(#"{"name":"n"}"#) : .reply(401, "")
                }
                return KeyFixture.token("t\(issued.next())")
            }
        ) { (api, server) async throws in
            for _ in 0..<3 { #expect(try await api.topic() != nil) }
            let asked = try #require(server.requests(to: "/token").first)
            #expect(try Self.isGrantable(asked, on: server.url, now: 1_800_000_000))
            #expect(server.requests(to: "/token").count == 1)
            #expect(server.requests.last?.path == "/v1/projects/crier-test/topics/ALIEN_NOTIFICATIONS")
            clock.advance(milliseconds: 3_600_000)
            #expect(try await api.topic() != nil)
            let again = try #require(server.requests(to: "/token").last)
            #expect(try Self.isGrantable(again, on: server.url, now: 1_800_003_600))
            #expect(server.requests(to: "/token").count == 2)
        }
    }

    @Test("a token that the API refuses is dropped once, and the call is made again with another")
    func refusedToken() async throws {
        let issued = Counter()
        try await with(
            .by { request in
                guard request.path == "/token" else {
                    return request.headers["Authorization"] == ["Bearer t1"]
                        ? .reply(401, errorBody(401, "UNAUTHENTICATED", "expired", reason: "ACCESS_TOKEN_EXPIRED"))
                        : .reply(#"{"messageIds":["1"]}"#)
                }
                return KeyFixture.token("t\(issued.next())")
            }
        ) { (api, server) async throws in
            let message = OutgoingMessage(data: [1], attributes: [:], orderingKey: "")
            #expect(try await api.publish([message]) == ["1"])
            #expect(server.requests(to: "/token").count == 2)
            server.answer { request in
                request.path == "/token" ? KeyFixture.token("t3") : .reply(401, errorBody(401, "UNAUTHENTICATED", "no"))
            }
            // No more than one token is thrown away in half a minute, and the call is not made again.
            let before = server.requests.count
            let error = await failure { try await api.publish([message]) }
            #expect(error?.code == .unauthenticated)
            #expect(error?.advice?.contains(KeyFixture.email) == true)
            #expect(server.requests.count == before + 1)
        }
    }

    @Test(
        "a refusal of the token endpoint says what to do",
        arguments: [
            (400, #"{"error":"invalid_grant","error_description":"Invalid JWT Signature."}"#, "the key was deleted"),
            (
                400, #"{"error":"invalid_grant","error_description":"Invalid grant: account not found"}"#,
                "was deleted or disabled"
            ),
            (
                400,
                #"{"error":"invalid_grant","error_description":"Invalid JWT: Token must be a short-lived token (60 minutes) and in a reasonable timeframe. Check your iat and exp values in the JWT claim."}"#,
                "clock says 2027-01-15T08:00:00.000Z"
            ),
            (401, #"{"error":"unauthorized_client","error_description":"no"}"#, "may not ask for the scope"),
            (400, #"{"error":"invalid_grant"}"#, "exists and is enabled"),
        ])
    func refusal(status: Int, body: String, advice: String) async throws {
        try await with(.by { _ in .reply(status, body) }) { (api, server) async throws in
            let error = await topicFailure(api)
            #expect(error?.code == .unauthenticated)
            #expect(error?.isTransient == false)
            #expect(error?.advice?.contains(advice) == true, "\(error as Any)")
            #expect(error?.message.contains(KeyFixture.email) == true)
            // It is not asked again at once.
            #expect(await topicFailure(api) == error)
            #expect(server.requests.count == 1)
        }
    }

    @Test("a token endpoint that is away passes")
    func away() async throws {
        for answer in [
            LoopbackServer.Answer.reply(500, "<html>"), .reply(503, ""), .reply(429, "{}"), .hungUp, .cut,
            .reply(400, #"{"error":"temporarily_unavailable"}"#),
        ] {
            try await with(.by { _ in answer }) { (api, server) async throws in
                let error = await topicFailure(api)
                #expect(error?.code == .unavailable)
                #expect(error?.isOutcomeUnknown == false)
                server.answer { request in
                    request.path == "/token" ? KeyFixture.token("t") : .reply(#"{"name":"n"}"#)
                }
                clock.advance(milliseconds: 1_000)
                #expect(try await api.topic() != nil)
            }
        }
    }

    @Test("a token endpoint that does not answer is given up, and a pull does not take that for an empty answer")
    func silent() async throws {
        var timing = APIFixture.patient
        timing.call = .milliseconds(300)
        try await LoopbackServer.with(.by { _ in .silent }) { server in
            try await APIFixture.with(
                KeyFixture.configuration(server), on: server, isEmulator: false, timing: timing
            ) { (api) async throws in
                let error = await failure {
                    try await api.pull("ID_a", atMost: 1, within: .seconds(1))
                }
                #expect(error?.isTransient == true)
                #expect(error?.isOutcomeUnknown == false)
                #expect(server.requests.allSatisfy { $0.path == "/token" })
            }
        }
    }

    @Test("what is no token is refused, whatever it is")
    func garbage() async throws {
        for body in [
            "", "[]", "{}", "null", #"{"access_token":"","expires_in":3600}"#, #"{"access_token":7,"expires_in":3600}"#,
            #"{"access_token":"a\r\nX: y","expires_in":3600}"#, #"{"access_token":"t"}"#,
            #"{"access_token":"t","expires_in":0}"#, #"{"access_token":"t","expires_in":-5}"#,
            #"{"access_token":"t","expires_in":1e400}"#, #"{"access_token":"t","expires_in":"3600"}"#,
            #"{"access_token":"\#(String(repeating: "t", count: 8193))","expires_in":3600}"#,
            String(repeating: " ", count: 65_537),
        ] {
            try await with(.by { _ in .reply(body) }) { (api, _) async throws in
                #expect(await topicFailure(api)?.code == .backend)
            }
        }
    }

    @Test("advice on missing rights names the account")
    func account() async throws {
        try await with(
            .by { request in
                request.path == "/token"
                    ? KeyFixture.token("t")
                    : .reply(403, errorBody(403, "PERMISSION_DENIED", "no", reason: "IAM_PERMISSION_DENIED"))
            }
        ) { (api, _) async throws in
            #expect(
                await topicFailure(api)?.advice?.contains(
                    "gcloud projects add-iam-policy-binding crier-test --member=serviceAccount:\(KeyFixture.email) --role=roles/pubsub.editor"
                ) == true)
        }
    }
}
