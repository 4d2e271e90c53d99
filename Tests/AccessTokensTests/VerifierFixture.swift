import CrierTesting
import Logging
import MessageBus
import Testing

@testable import AccessTokens

/// A verifier whose keys come from an issuer on loopback, at a time that the test sets.
struct VerifierFixture: Sendable {
    let issuer: LoopbackIssuer
    let verifier: TokenVerifier
    let clock: VirtualClock

    /// Runs a verifier for as long as the body.
    static func with(
        _ keys: [SigningKey], algorithms: Set<SigningAlgorithm> = TokenIssuer.defaultAlgorithms,
        cacheControl: String? = nil, capacity: Int = 100, _ body: (VerifierFixture) async throws -> Void
    ) async throws {
        try await LoopbackIssuer.with { issuer in
            issuer.serve(keys, cacheControl: cacheControl)
            let clock = VirtualClock()
            let verifier = TokenVerifier(
                try TokenIssuer(issuer: issuer.url, audience: "crier", algorithms: algorithms), clock: clock.wallClock,
                capacity: capacity, logger: Logger(label: "tokens.tests") { _ in SwiftLogNoOpLogHandler() })
            try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask { await verifier.run() }
                defer { group.cancelAll() }
                try await body(VerifierFixture(issuer: issuer, verifier: verifier, clock: clock))
            }
        }
    }

    func claims(_ changes: [String: String?] = [:]) -> TestClaims { TestClaims(issuer: issuer.url, changes) }

    /// What verifying came to.
    func outcome(_ token: String) async -> Result<AccessClaims, TokenError> {
        do throws(TokenError) {
            return .success(try await verifier.verify(token))
        } catch {
            return .failure(error)
        }
    }

    /// The code of the refusal; `nil` where the token was accepted.
    func refusal(_ token: String) async -> TokenError.Code? {
        guard case .failure(let error) = await outcome(token) else { return nil }
        return error.code
    }
}
