/// Whose tokens are accepted, and how they have to be signed.
public struct TokenIssuer: Sendable, Equatable {
    /// The tokens' `iss`, byte for byte.
    public let issuer: String
    /// What has to be among the tokens' `aud`.
    public let audience: String
    /// What tokens may be signed with, whatever they and the keys say.
    public let algorithms: Set<SigningAlgorithm>
    /// How far the issuer's clock may be off, in milliseconds.
    public let leeway: Int64

    /// Where the keys are.
    let keys: Keys

    enum Keys: Sendable, Equatable {
        /// Where the issuer's description says: a document whose `jwks_uri` is the keys' URL.
        case discovered(description: KeyURL)
        case known(KeyURL)
    }

    /// What issuers of OpenID Connect sign with unless told otherwise.
    public static let defaultAlgorithms: Set<SigningAlgorithm> = [.rs256, .es256, .edDSA]
    public static let defaultLeeway: Int64 = 30_000

    /// - Parameters:
    ///   - keysURL: the JWKS; `nil`: what `<issuer>/.well-known/openid-configuration` names (OpenID Connect Discovery 1.0 section 4).
    ///   - leeway: in milliseconds; a negative one is none.
    public init(
        issuer: String, audience: String, keysURL: String? = nil,
        algorithms: Set<SigningAlgorithm> = defaultAlgorithms, leeway: Int64 = defaultLeeway
    ) throws(TokenIssuerError) {
        guard !issuer.isEmpty else { throw .issuer }
        guard !audience.isEmpty else { throw .audience }
        guard !algorithms.isEmpty else { throw .algorithms }
        if let keysURL {
            guard let url = KeyURL(keysURL) else { throw .keys }
            keys = .known(url)
        } else {
            guard KeyURL(issuer) != nil, !issuer.contains("?"),
                let url = KeyURL((issuer.last == "/" ? String(issuer.dropLast()) : issuer) + Self.descriptionPath)
            else { throw .issuer }
            keys = .discovered(description: url)
        }
        self.issuer = issuer
        self.audience = audience
        self.algorithms = algorithms
        self.leeway = max(leeway, 0)
    }

    private static let descriptionPath = "/.well-known/openid-configuration"
}
