/// Why a token was not accepted.
public struct TokenError: Error, Sendable, Equatable, CustomStringConvertible {
    /// An open set: more may come.
    public struct Code: Hashable, Sendable {
        public let name: String
        public init(_ name: String) { self.name = name }

        /// The text is not a token that can be read.
        public static let malformed = Code("malformed")
        /// The token is signed with a key that its issuer does not have.
        public static let unknownKey = Code("unknown_key")
        public static let badSignature = Code("bad_signature")
        /// The token's algorithm is not one of those configured, or not its key's.
        public static let algorithmNotAllowed = Code("algorithm_not_allowed")
        public static let wrongIssuer = Code("wrong_issuer")
        public static let wrongAudience = Code("wrong_audience")
        public static let expired = Code("expired")
        public static let notYetValid = Code("not_yet_valid")
        /// A claim is missing, of a wrong type or beyond its bounds.
        public static let claimsInvalid = Code("claims_invalid")
        /// Nothing is known about the token, since its issuer's keys are not: an answer with 503, not with 401.
        public static let issuerUnreachable = Code("issuer_unreachable")
    }

    public let code: Code
    /// A sentence fit for whoever sent the token: nothing of the token itself, and only what an `error_description` may hold.
    public let message: String
    /// When trying again is worth it, in seconds; `nil` where it is not.
    public let retryAfter: Int?

    init(_ code: Code, _ message: String, retryAfter: Int? = nil) {
        self.code = code
        self.message = message
        self.retryAfter = retryAfter
    }

    public var description: String { "\(code.name): \(message)" }

    /// The value of `WWW-Authenticate` that goes with a 401 (RFC 6750 section 3); `nil` where the token is not what is wrong.
    public var challenge: String? {
        code == .issuerUnreachable ? nil : #"Bearer error="invalid_token", error_description="\#(message)""#
    }
}

extension TokenError {
    static func malformed(_ reason: String) -> TokenError {
        TokenError(.malformed, "the token is not a signed JWT: \(reason)")
    }
    static let tooLong = malformed("it is longer than \(SignedToken.maxBytes) bytes")
    static let unknownKey = TokenError(.unknownKey, "the token is signed with a key that its issuer does not have")
    static let badSignature = TokenError(.badSignature, "the token's signature is wrong")
    static let algorithmNotAllowed = TokenError(
        .algorithmNotAllowed, "the token's algorithm is not allowed, or not its key's")
    static let wrongIssuer = TokenError(.wrongIssuer, "the token is from another issuer")
    static let wrongAudience = TokenError(.wrongAudience, "the token is for another audience")
    static let expired = TokenError(.expired, "the token has expired")
    static let notYetValid = TokenError(.notYetValid, "the token is not valid yet")
    static func claimsInvalid(_ reason: String) -> TokenError {
        TokenError(.claimsInvalid, "the token's claims are invalid: \(reason)")
    }
    static func issuerUnreachable(retryAfter: Int) -> TokenError {
        TokenError(.issuerUnreachable, "the token's issuer cannot be reached now", retryAfter: retryAfter)
    }
}
