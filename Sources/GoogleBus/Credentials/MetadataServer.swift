import AsyncHTTPClient
import NIOConcurrencyHelpers
import NIOCore
import NIOHTTP1

/// The metadata server of a machine on Google Cloud: tokens for the account that the machine has, and the project that it is in.
final class MetadataServer: TokenSource {
    private static let maxBytes = 65_536
    private static let advice = """
        set GOOGLE_SERVICE_ACCOUNT_JSON or GOOGLE_APPLICATION_CREDENTIALS to a service account's key where this does not run on Google Cloud
        """

    private struct Known {
        var project: String?
        var account: String?
    }

    private let url: String
    private let exchange: HTTPExchange
    private let bound: Duration
    private let known = NIOLockedValueBox(Known())

    /// - Parameters:
    ///   - url: without a path.
    ///   - bound: for each request.
    init(_ url: String, over exchange: HTTPExchange, within bound: Duration) {
        self.url = url
        self.exchange = exchange
        self.bound = bound
    }

    /// The name of the machine's account, once a token has been fetched.
    var account: String? { known.withLockedValue { $0.account } }

    /// The project's id. Asked for once.
    func project() async throws(PubSubError) -> String {
        if let project = known.withLockedValue({ $0.project }) { return project }
        let answer = try await get("project/project-id")
        let project = String(decoding: answer.body, as: UTF8.self)
        guard ResourceNames.isProject(project) else {
            throw PubSubError(
                .backend, "the metadata server answered what is no project", httpStatus: answer.status,
                advice: "set GOOGLE_CLOUD_PROJECT")
        }
        known.withLockedValue { $0.project = project }
        return project
    }

    func fetch() async throws(PubSubError) -> AccessToken {
        let answer = try await get("instance/service-accounts/default/token")
        let token = try AccessToken(answer, from: url)
        if account == nil { await learnAccount() }
        return token
    }

    /// For advice only: without it, advice says less.
    private func learnAccount() async {
        guard let answer = try? await get("instance/service-accounts/default/email"),
            let account = String(validating: answer.body, as: UTF8.self), account.contains("@")
        else { return }
        known.withLockedValue { $0.account = account.printable(upTo: 254) }
    }

    private func get(_ path: String) async throws(PubSubError) -> HTTPExchange.Answer {
        var request = HTTPClientRequest(url: "\(url)/computeMetadata/v1/\(path)")
        request.headers.add(name: "Metadata-Flavor", value: "Google")
        request.headers.add(name: "User-Agent", value: "crier")
        let answer: HTTPExchange.Answer
        do throws(PubSubError) {
            answer = try await exchange.send(request, limit: Self.maxBytes, within: TimeBound(bound))
        } catch {
            guard error.code != .cancelled, error.code != .closed else { throw error }
            throw PubSubError(
                .unavailable,
                "there are no credentials, and no metadata server of Google Cloud answers: \(error.message)",
                advice: Self.advice)
        }
        let host = HTTPExchange.host(of: url)
        guard answer.headers.first(name: "Metadata-Flavor") == "Google" else {
            throw PubSubError(
                .unavailable, "there are no credentials, and \(host) is no metadata server of Google Cloud",
                httpStatus: answer.status, advice: Self.advice)
        }
        switch answer.status {
        case 200: return answer
        case 404:
            throw PubSubError(
                .unauthenticated, "the metadata server has no \(path)", httpStatus: 404,
                advice: "give this machine a service account, or a key by GOOGLE_SERVICE_ACCOUNT_JSON")
        default:
            throw PubSubError(
                .unavailable, "the metadata server answered \(answer.status)", httpStatus: answer.status)
        }
    }
}
