import AsyncHTTPClient
import MessageBus
import NIOCore
import NIOHTTP1
import StrictJSON

/// Tokens for a service account, by its key (RFC 7523 section 2.1).
struct ServiceAccountTokens: TokenSource {
    static let maxBytes = 65_536

    private let key: ServiceAccountKey
    private let exchange: HTTPExchange
    private let clock: WallClock
    private let bound: Duration

    init(_ key: ServiceAccountKey, over exchange: HTTPExchange, clock: WallClock, within bound: Duration) {
        self.key = key
        self.exchange = exchange
        self.clock = clock
        self.bound = bound
    }

    func fetch() async throws(PubSubError) -> AccessToken {
        let assertion = try key.assertion(at: clock.now())
        var request = HTTPClientRequest(url: key.tokenURL)
        request.method = .POST
        request.headers.add(name: "Content-Type", value: "application/x-www-form-urlencoded")
        request.headers.add(name: "User-Agent", value: "crier")
        let grant = "urn:ietf:params:oauth:grant-type:jwt-bearer".percentEncoded
        request.body = .bytes(ByteBuffer(string: "grant_type=\(grant)&assertion=\(assertion)"))
        let answer = try await exchange.send(request, limit: Self.maxBytes, within: TimeBound(bound))
        guard answer.status == 200 else { throw refusal(answer) }
        return try AccessToken(answer, from: key.tokenURL)
    }

    /// What the answer says (RFC 6749 section 5.2), and what to do about it.
    private func refusal(_ answer: HTTPExchange.Answer) -> PubSubError {
        let members = (try? JSONValue.parse(answer.body))?.objectValue
        let error = members?["error"]?.stringValue?.printable(upTo: 100)
        let description = members?["error_description"]?.stringValue?.printable(upTo: 400)
        let said = [error, description].compactMap { $0 }.joined(separator: ": ")
        let host = HTTPExchange.host(of: key.tokenURL)
        let message =
            "\(host) gives no access token for \(key.email), status \(answer.status)\(said.isEmpty ? "" : ", " + said)"
        if error == nil || error == "temporarily_unavailable" || error == "server_error" || answer.status >= 500
            || answer.status == 429
        {
            return PubSubError(
                answer.status == 429 || answer.status >= 500 || error != nil ? .unavailable : .backend, message,
                httpStatus: answer.status)
        }
        return PubSubError(
            .unauthenticated, message, httpStatus: answer.status, advice: advice(error: error, description ?? ""))
    }

    private func advice(error: String?, _ description: String) -> String {
        let description = description.lowercased()
        if description.contains("signature") {
            return """
                the key was deleted or disabled, or is another account's: make a new one by \
                gcloud iam service-accounts keys create key.json --iam-account=\(key.email)
                """
        }
        if description.contains("short-lived") || description.contains("iat") || description.contains("expired") {
            return "this machine's clock says \(RFC3339.format(clock.now())): check that it is right"
        }
        if description.contains("account not found") || description.contains("not found") {
            return "the service account \(key.email) was deleted or disabled: use the key of one that exists"
        }
        if error == "invalid_scope" || error == "unauthorized_client" {
            return "the service account may not ask for the scope \(ServiceAccountKey.scope)"
        }
        return "check that the service account \(key.email) exists and is enabled, and that its key was not deleted"
    }
}
