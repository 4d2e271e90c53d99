import MessageBus
import NIOHTTP1
import Testing

@testable import GoogleBus

@Suite struct MetadataServerTests {
    private static let flavor = ["Metadata-Flavor": "Google"]
    private static let root = "/computeMetadata/v1/"

    private static func metadata(_ request: LoopbackServer.Request) -> LoopbackServer.Answer? {
        guard request.path.hasPrefix(root) else { return nil }
        guard request.headers["Metadata-Flavor"] == ["Google"] else { return .reply(403, headers: flavor, "") }
        switch request.path.dropFirst(root.count) {
        case "project/project-id": return .reply(headers: flavor, "machine-project")
        case "instance/service-accounts/default/token":
            return .reply(headers: flavor, #"{"access_token":"m1","expires_in":3599,"token_type":"Bearer"}"#)
        case "instance/service-accounts/default/email":
            return .reply(headers: flavor, "1-compute@developer.gserviceaccount.com")
        default: return .reply(404, headers: flavor, "")
        }
    }

    private func with(
        _ script: LoopbackServer.Script, project: String? = nil,
        _ body: (PubSubAPI, LoopbackServer) async throws -> Void
    ) async throws {
        try await LoopbackServer.with(script) { server in
            var configuration = GoogleBusConfiguration()
            configuration.project = project
            try await APIFixture.with(configuration, on: server, isEmulator: false) { try await body($0, server) }
        }
    }

    @Test("without a key, the machine's own account and project are used")
    func machine() async throws {
        try await with(
            .by { request in
                Self.metadata(request)
                    ?? (request.headers["Authorization"] == ["Bearer m1"] ? .reply(#"{"name":"n"}"#) : .reply(401, ""))
            }
        ) { (api, server) async throws in
            for _ in 0..<3 { #expect(try await api.topic() != nil) }
            #expect(try await api.projectID() == "machine-project")
            #expect(server.requests.last?.path == "/v1/projects/machine-project/topics/ALIEN_NOTIFICATIONS")
            #expect(server.requests(to: Self.root + "project/project-id").count == 1)
            #expect(server.requests(to: Self.root + "instance/service-accounts/default/token").count == 1)
        }
    }

    @Test("a project that is set is not asked for, and advice names the machine's account")
    func project() async throws {
        try await with(
            .by { request in
                Self.metadata(request) ?? .reply(403, errorBody(403, "PERMISSION_DENIED", "no"))
            }, project: "crier-test"
        ) { (api, server) async throws in
            let error = await failure { try await api.topic() }
            #expect(error?.advice?.contains("serviceAccount:1-compute@developer.gserviceaccount.com") == true)
            #expect(server.requests(to: Self.root + "project/project-id").isEmpty)
        }
    }

    @Test("where no metadata server is, the settings for a key are named")
    func absent() async throws {
        for answer in [LoopbackServer.Answer.reply("<html>a portal</html>"), .reply(404, ""), .hungUp] {
            try await with(.by { _ in answer }) { (api, _) async throws in
                let error = await failure { try await api.topic() }
                #expect(error?.code == .unavailable)
                #expect(error?.isOutcomeUnknown == false)
                #expect(error?.message.contains("there are no credentials") == true)
                #expect(error?.advice?.contains("GOOGLE_SERVICE_ACCOUNT_JSON") == true)
            }
        }
    }

    @Test("a machine without an account, or a project that is none, is an error")
    func refusals() async throws {
        try await with(.by { _ in .reply(404, headers: Self.flavor, "") }, project: "crier-test") {
            (api, _) async throws in
            let error = await failure { try await api.topic() }
            #expect(error?.code == .unauthenticated)
            #expect(error?.advice?.contains("service account") == true)
        }
        for project in ["", "a/../b", "UPPER-case", "\u{FFFD}", String(repeating: "a", count: 300)] {
            try await with(.by { _ in .reply(headers: Self.flavor, project) }) { (api, _) async throws in
                #expect(await failure { try await api.topic() }?.code == .backend)
            }
        }
    }
}
