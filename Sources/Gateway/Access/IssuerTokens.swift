import AccessTokens
import MessageBus

/// The tokens of the configured issuer (JWTs), as the gateway takes them.
struct IssuerTokens: Sendable {
    let verifier: TokenVerifier

    /// Whom a token names, until when, and what it grants.
    ///
    /// - Throws: why it counts for nothing: 40103, or 50306 where the issuer cannot be asked.
    func identity(of token: String) async throws(GatewayError) -> Identity {
        let claims: AccessClaims
        do { claims = try await verifier.verify(token) } catch { throw GatewayError(error) }
        return Identity(
            standing: .user(name: try UserName(verified: claims.displayName).text),
            grants: try Self.grants(claims.grants),
            // As long as it is accepted, what was opened with it goes on.
            expires: claims.expiry.advanced(byMilliseconds: verifier.leeway))
    }

    private static func grants(_ grants: AccessClaims.Grants?) throws(GatewayError) -> Grants {
        guard let grants else { return .none }
        return Grants(publish: try patterns(grants.publish), subscribe: try patterns(grants.subscribe))
    }

    private static func patterns(_ texts: [String]) throws(GatewayError) -> [TopicPattern] {
        var patterns: [TopicPattern] = []
        for text in texts {
            guard let pattern = TopicPattern(text) else {
                let reason =
                    "the token's claim crier has a pattern that is none: a topic, or the beginning of one and *"
                throw GatewayError(
                    .invalidToken, reason,
                    headers: [
                        .init(
                            name: "WWW-Authenticate",
                            value: #"Bearer error="invalid_token", error_description="\#(reason)""#)
                    ])
            }
            patterns.append(pattern)
        }
        return patterns
    }
}

extension GatewayError {
    init(_ error: TokenError) {
        if error.code == .issuerUnreachable {
            self.init(.issuerUnavailable, error.message, retryAfter: error.retryAfter ?? 1)
        } else {
            let challenge = error.challenge.map { Header(name: "WWW-Authenticate", value: $0) }
            self.init(.invalidToken, error.message, headers: challenge.map { [$0] } ?? [])
        }
    }
}
