import Crypto
public import Logging
public import MessageBus
import NIOConcurrencyHelpers

/// Verifies the tokens of one issuer: JSON Web Tokens (RFC 7519) that it signed.
///
/// Any task may call it. A token that was verified before costs a digest and two look-ups.
public final class TokenVerifier: Sendable {
    private let issuer: TokenIssuer
    private let keys: KeySet
    private let verified: NIOLockedValueBox<VerifiedTokens>
    private let clock: WallClock

    /// - Parameters:
    ///   - source: where the keys come from; `nil`: from the issuer, over HTTP.
    ///   - capacity: how many verified tokens are remembered; past it the oldest are forgotten.
    public init(
        _ issuer: TokenIssuer, source: (any KeySource)? = nil, clock: WallClock = .system, capacity: Int = 10_000,
        logger: Logger
    ) {
        self.issuer = issuer
        self.clock = clock
        keys = KeySet(
            source ?? HTTPKeySource(issuer), allowing: issuer.algorithms, clock: clock, logger: logger)
        verified = NIOLockedValueBox(VerifiedTokens(capacity: capacity))
    }

    /// Fetches the issuer's keys whenever a token needs them, until the task is cancelled. To be called once.
    ///
    /// Before it runs, tokens wait; after its end those that need keys which are not held fail with `issuer_unreachable`.
    public func run() async { await keys.run() }

    /// How far a token's times may lie beyond this machine's clock, in milliseconds.
    public var leeway: Int64 { issuer.leeway }

    /// Verifies a token and reads its claims.
    ///
    /// - Parameter token: as it stands behind `Bearer`, without blanks.
    /// - Throws: `TokenError`, for any text at all. `issuer_unreachable` says nothing about the token.
    public func verify(_ token: String) async throws(TokenError) -> AccessClaims {
        guard token.utf8.count <= SignedToken.maxBytes else { throw .tooLong }
        let bytes = Array(token.utf8)
        let digest = SHA256.hash(data: bytes)
        if let claims = try await remembered(digest) { return claims }

        let signed = try SignedToken(bytes, allowing: issuer.algorithms)
        let key = try await keys.key(for: signed.header.query)
        guard key.isValid(signed.signature, of: signed.signed) else { throw .badSignature }
        let claims = try ClaimReader.read(signed.payload, from: issuer)
        try claims.check(at: clock.now(), leeway: issuer.leeway)
        let entry = VerifiedTokens.Entry(claims: claims, query: signed.header.query, key: key.material)
        verified.withLockedValue { $0.remember(entry, for: digest) }
        return claims
    }

    /// What was verified before, if it still holds: the time is right, and the key is still the issuer's.
    private func remembered(_ digest: SHA256Digest) async throws(TokenError) -> AccessClaims? {
        guard let entry = verified.withLockedValue({ $0[digest] }) else { return nil }
        do throws(TokenError) {
            try entry.claims.check(at: clock.now(), leeway: issuer.leeway)
        } catch {
            verified.withLockedValue { $0.forget(digest) }
            throw error
        }
        guard try await keys.key(for: entry.query).material == entry.key else {
            verified.withLockedValue { $0.forget(digest) }
            return nil
        }
        return entry.claims
    }
}
