import StrictJSON

/// What a token says of its own signature (RFC 7515 section 4.1).
///
/// Keys that a header brings along or points to (`jwk`, `jku`, `x5c`, `x5u`) are never looked at.
struct TokenHeader: Sendable {
    let query: KeyQuery

    private static let limits = JSONLimits(maxDepth: 8, maxMembers: 64)

    init(_ bytes: [UInt8], allowing algorithms: Set<SigningAlgorithm>) throws(TokenError) {
        guard case .object(let members)? = try? JSONValue.parse(bytes, limits: Self.limits) else {
            throw .malformed("its header is not a JSON object")
        }
        // What a token declares critical has to be understood, and nothing of that kind is (RFC 7515 section 4.1.11).
        guard members["crit"] == nil else { throw .malformed("its header has crit, of which nothing is understood") }
        if let type = members["typ"] {
            guard let type = type.stringValue, Self.isAccessToken(type) else {
                throw .malformed("its typ is neither JWT nor at+jwt")
            }
        }
        guard let name = members["alg"]?.stringValue else { throw .malformed("its header has no alg") }
        guard let algorithm = SigningAlgorithm(rawValue: name), algorithms.contains(algorithm) else {
            throw .algorithmNotAllowed
        }
        var id: String?
        if let value = members["kid"] {
            guard let text = value.stringValue else { throw .malformed("its kid is not a string") }
            id = text
        }
        query = KeyQuery(id: id, algorithm: algorithm)
    }

    /// A media type, whose “application/” may be left out (RFC 7515 section 4.1.9; RFC 9068 section 2.1).
    private static func isAccessToken(_ type: String) -> Bool {
        ["jwt", "application/jwt", "at+jwt", "application/at+jwt"].contains(type.lowercased())
    }
}
