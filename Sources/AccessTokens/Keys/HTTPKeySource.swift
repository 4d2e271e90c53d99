import AsyncHTTPClient
import NIOCore
import NIOHTTP1
import StrictJSON

/// The issuer's keys over HTTP: found by its description (OpenID Connect Discovery 1.0, RFC 8414) or at a URL that is known.
///
/// Both documents are bounded in size and time; redirects are followed within one scheme only. Each fetch has connections of its own: they are
/// minutes apart.
public struct HTTPKeySource: KeySource {
    /// The most that is read of a document, in bytes.
    static let maxBytes = 262_144
    /// How long one document may take, with all redirects.
    static let timeout = Duration.seconds(5)
    private static let maxRedirects = 3

    private let issuer: TokenIssuer
    private let timeout: Duration

    public init(_ issuer: TokenIssuer) { self.init(issuer, timeout: Self.timeout) }

    init(_ issuer: TokenIssuer, timeout: Duration) {
        self.issuer = issuer
        self.timeout = timeout
    }

    public func fetch() async throws(KeySourceError) -> KeyDocument {
        var configuration = HTTPClient.Configuration(
            redirectConfiguration: .disallow,
            timeout: .init(connect: TimeAmount(timeout), read: TimeAmount(timeout)))
        configuration.connectionPool.retryConnectionEstablishment = false
        let client = HTTPClient(eventLoopGroupProvider: .singleton, configuration: configuration)
        let result = await fetch(by: client)
        do {
            try await client.shutdown()
        } catch {
            throw KeySourceError("the HTTP client did not end: \(error)")
        }
        return try result.get()
    }

    private func fetch(by client: HTTPClient) async -> Result<KeyDocument, KeySourceError> {
        do throws(KeySourceError) {
            switch issuer.keys {
            case .known(let url): return .success(try await get(url, by: client))
            case .discovered(let description):
                let document = try await get(description, by: client)
                return .success(try await get(try keysURL(in: document, from: description), by: client))
            }
        } catch {
            return .failure(error)
        }
    }

    /// What the issuer's description names. It has to be the description of this issuer, since another's keys are not its
    /// (OpenID Connect Discovery 1.0 section 4.3).
    private func keysURL(in document: KeyDocument, from description: KeyURL) throws(KeySourceError) -> KeyURL {
        guard case .object(let members)? = try? JSONValue.parse(document.bytes) else {
            throw KeySourceError("the issuer's description is not a JSON object")
        }
        guard members["issuer"] == .string(issuer.issuer) else {
            throw KeySourceError("the description found is another issuer's")
        }
        guard let url = members["jwks_uri"]?.stringValue.flatMap(KeyURL.init),
            url.isEncrypted || !description.isEncrypted
        else { throw KeySourceError("the issuer's description names no jwks_uri that may be asked") }
        return url
    }

    private func get(_ url: KeyURL, by client: HTTPClient) async throws(KeySourceError) -> KeyDocument {
        let bound = timeout
        // The client's own deadline ends with the head of the answer, and this one has to hold for the body too.
        let result = await withTaskGroup(of: Result<KeyDocument, KeySourceError>.self) { group in
            group.addTask { await Self.follow(url, by: client, within: bound) }
            group.addTask {
                try? await ContinuousClock().sleep(for: bound)
                return .failure(KeySourceError("no answer from \(url.text) in time"))
            }
            let first = await group.next()
            group.cancelAll()
            return first
        }
        guard let result else { throw KeySourceError("no answer from \(url.text)") }
        return try result.get()
    }

    private static func follow(
        _ url: KeyURL, by client: HTTPClient, within bound: Duration
    ) async -> Result<KeyDocument, KeySourceError> {
        var url = url
        for _ in 0...maxRedirects {
            do {
                var request = HTTPClientRequest(url: url.text)
                request.headers.add(name: "Accept", value: "application/json, application/jwk-set+json")
                request.headers.add(name: "User-Agent", value: "crier")
                let response = try await client.execute(request, timeout: TimeAmount(bound))
                switch response.status.code {
                case 200:
                    let body = try await response.body.collect(upTo: maxBytes)
                    return .success(
                        KeyDocument(
                            bytes: Array(body.readableBytesView),
                            maxAge: MaxAge.read(response.headers["Cache-Control"])))
                case 301, 302, 303, 307, 308:
                    guard let target = response.headers.first(name: "Location").flatMap(url.redirected) else {
                        return .failure(KeySourceError("\(url.text) leads to where keys must not be fetched from"))
                    }
                    url = target
                default:
                    return .failure(KeySourceError("\(url.text) answered \(response.status.code)"))
                }
            } catch is NIOTooManyBytesError {
                return .failure(KeySourceError("\(url.text) answered more than \(maxBytes) bytes"))
            } catch {
                return .failure(KeySourceError("\(url.text) cannot be reached: \(error)"))
            }
        }
        return .failure(KeySourceError("\(url.text) came after \(maxRedirects) redirects and leads on"))
    }
}
