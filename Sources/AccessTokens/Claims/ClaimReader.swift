import MessageBus
import StrictJSON

/// Reads the claims of a token whose signature is verified (RFC 7519 section 4). A claim of a wrong type is an error, never left out.
struct ClaimReader {
    private static let limits = JSONLimits(maxDepth: 16, maxMembers: 256)
    /// The longest `sub` and the longest name, in bytes (OpenID Connect Core 1.0 section 2 for `sub`).
    private static let maxNameBytes = 255
    private static let maxPatterns = 64
    private static let maxPatternBytes = 64

    private let members: JSONObject

    /// - Returns: the claims; whether they are valid now is the caller's to check.
    static func read(_ payload: [UInt8], from issuer: TokenIssuer) throws(TokenError) -> AccessClaims {
        guard case .object(let members)? = try? JSONValue.parse(payload, limits: limits) else {
            throw .claimsInvalid("the claims are not a JSON object")
        }
        return try ClaimReader(members: members).claims(from: issuer)
    }

    private func claims(from issuer: TokenIssuer) throws(TokenError) -> AccessClaims {
        guard members["iss"] == .string(issuer.issuer) else { throw .wrongIssuer }
        try checkAudience(issuer.audience)
        guard let subject = try text("sub") else { throw .claimsInvalid("sub is missing or empty") }
        let name = try text("name")
        let userName = try text("preferred_username")
        guard let expiry = try moment("exp") else { throw .claimsInvalid("exp is missing") }
        let starts = [try moment("nbf"), try moment("iat")].compactMap { $0 }
        return AccessClaims(
            subject: subject, displayName: name ?? userName ?? subject, expiry: expiry, notBefore: starts.max(),
            grants: try grants())
    }

    /// One audience or several.
    private func checkAudience(_ wanted: String) throws(TokenError) {
        switch members["aud"] {
        case nil: throw .wrongAudience
        case .string(let audience)?:
            guard JSONValue.string(audience) == .string(wanted) else { throw .wrongAudience }
        case .array(let audiences)?:
            guard audiences.allSatisfy({ $0.stringValue != nil }) else {
                throw .claimsInvalid("aud holds something that is not a string")
            }
            guard audiences.contains(.string(wanted)) else { throw .wrongAudience }
        default: throw .claimsInvalid("aud is neither a string nor an array")
        }
    }

    /// - Returns: `nil` where there is none, or an empty one.
    private func text(_ claim: String) throws(TokenError) -> String? {
        guard let value = members[claim] else { return nil }
        guard let text = value.stringValue else { throw .claimsInvalid("\(claim) is not a string") }
        guard text.utf8.count <= Self.maxNameBytes else { throw .claimsInvalid("\(claim) is too long") }
        return text.isEmpty ? nil : text
    }

    /// A NumericDate: seconds since 1970, with or without a fraction. One beyond the range of `WallTime` is that range's end.
    private func moment(_ claim: String) throws(TokenError) -> WallTime? {
        guard let value = members[claim] else { return nil }
        guard case .number(let number) = value else { throw .claimsInvalid("\(claim) is not a number") }
        if let seconds = number.int { return WallTime(seconds: Int64(seconds)) }
        guard let seconds = number.double else { throw .claimsInvalid("\(claim) is not a time") }
        let milliseconds = (seconds * 1000).rounded(.down)
        return WallTime(milliseconds: Int64(exactly: milliseconds) ?? (seconds < 0 ? .min : .max))
    }

    private func grants() throws(TokenError) -> AccessClaims.Grants? {
        guard let value = members["crier"] else { return nil }
        guard let object = value.objectValue else { throw .claimsInvalid("crier is not an object") }
        return AccessClaims.Grants(
            publish: try patterns("publish", of: object), subscribe: try patterns("subscribe", of: object))
    }

    private func patterns(_ name: String, of object: JSONObject) throws(TokenError) -> [String] {
        guard let value = object[name] else { return [] }
        guard let elements = value.arrayValue else { throw .claimsInvalid("crier.\(name) is not an array") }
        guard elements.count <= Self.maxPatterns else { throw .claimsInvalid("crier.\(name) has too many patterns") }
        var patterns: [String] = []
        for element in elements {
            guard let pattern = element.stringValue, (1...Self.maxPatternBytes).contains(pattern.utf8.count) else {
                throw .claimsInvalid("crier.\(name) holds something that is not a pattern")
            }
            patterns.append(pattern)
        }
        return patterns
    }
}
