import AccessTokens
import Testing

@testable import Gateway

@Suite struct SignInSettingsTests {
    private func read(_ environment: [String: String]) async throws -> ServerConfiguration {
        try ServerConfiguration(try await SettingsReader(arguments: [], environment: environment))
    }

    /// The key that the refusal names; `nil` where it is none.
    private func refusedKey(_ environment: [String: String]) async -> String? {
        do { _ = try await read(environment) } catch let error as ConfigurationError {
            return error.description.hasPrefix("\(error.key): ") ? error.key : nil
        } catch {}
        return nil
    }

    @Test("the defaults: by name, for a week, without an issuer and without rules")
    func defaults() async throws {
        let configuration = try await read([:])
        #expect(!configuration.signIn.password.isSet)
        #expect(configuration.signIn.lifetime == .seconds(604_800))
        #expect(configuration.issuer == nil)
        #expect(configuration.rights == TopicRights())
    }

    @Test("everything is read")
    func all() async throws {
        let configuration = try await read([
            "SIGN_IN_PASSWORD": "open", "SESSION_LIFETIME": "12h", "PUBLISH_RIGHTS": "alarms-*=token",
            "SUBSCRIBE_RIGHTS": "alarms-*=user, *=anyone", "JWT_ISSUER": "https://id.example.com",
            "JWT_AUDIENCE": "crier", "JWT_KEYS_URL": "https://keys.example.com/jwks", "JWT_ALGORITHMS": "ES256, EdDSA",
        ])
        #expect(configuration.signIn.password.accepts("open"))
        #expect(!configuration.signIn.password.accepts("shut"))
        #expect(configuration.signIn.lifetime == .seconds(43_200))
        #expect(configuration.issuer?.issuer == "https://id.example.com")
        #expect(configuration.issuer?.audience == "crier")
        #expect(configuration.issuer?.algorithms == [.es256, .edDSA])
        #expect(
            configuration.rights
                == TopicRights(
                    publish: try #require(TopicRights.rules("alarms-*=token")),
                    subscribe: try #require(TopicRights.rules("alarms-*=user,*=anyone"))))
    }

    @Test(
        "a setting that cannot be used is named",
        arguments: [
            ("SESSION_LIFETIME", "0s"), ("SESSION_LIFETIME", "59s"), ("SESSION_LIFETIME", "x"),
            ("SESSION_LIFETIME", "99999d"), ("SESSION_LIFETIME", "-1d"), ("PUBLISH_RIGHTS", "a"),
            ("PUBLISH_RIGHTS", "a=b"), ("SUBSCRIBE_RIGHTS", "a b=user"), ("SUBSCRIBE_RIGHTS", "a=user;b=user"),
        ])
    func wrong(key: String, value: String) async {
        #expect(await refusedKey([key: value]) == key)
    }

    @Test(
        "an issuer that cannot be used is named by its setting",
        arguments: [
            ("JWT_ISSUER", ["JWT_ISSUER": "http://id.example.com"]), ("JWT_ISSUER", ["JWT_ISSUER": "id"]),
            ("JWT_AUDIENCE", ["JWT_AUDIENCE": ""]), ("JWT_KEYS_URL", ["JWT_KEYS_URL": "ftp://x"]),
            ("JWT_ALGORITHMS", ["JWT_ALGORITHMS": "none"]), ("JWT_ALGORITHMS", ["JWT_ALGORITHMS": "HS256"]),
            ("JWT_ALGORITHMS", ["JWT_ALGORITHMS": "RS256 ES256"]),
        ])
    func wrongIssuer(key: String, change: [String: String]) async {
        let settings = ["JWT_ISSUER": "https://id.example.com", "JWT_AUDIENCE": "crier"]
        #expect(await refusedKey(settings) == nil)
        #expect(await refusedKey(settings.merging(change) { $1 }) == key)
    }

    @Test("what belongs to an issuer needs one", arguments: ["JWT_AUDIENCE", "JWT_KEYS_URL", "JWT_ALGORITHMS"])
    func orphan(key: String) async {
        #expect(await refusedKey([key: "RS256"]) == "JWT_ISSUER")
    }
}
