/// Finds out who makes a request.
struct Identities: Sendable {
    let publishToken: PublishToken
    let sessions: SessionBook
    /// `nil`: no issuer's tokens count.
    let issuer: IssuerTokens?

    /// Who someone is of whom that can be said without asking anyone.
    ///
    /// - Returns: `nil` where ``find(_:)`` has to be asked.
    func known(_ credentials: Credentials) throws(GatewayError) -> Identity? {
        guard let token = credentials.token else { return credentials.session == nil ? .anonymous : nil }
        if publishToken.isSet && publishToken.accepts(token) { return .publisher }
        if issuer != nil && Self.isSigned(token) { return nil }
        guard !publishToken.isSet else { throw Self.wrongToken }
        return credentials.session == nil ? .anonymous : nil
    }

    /// Who someone is. A session that has ended is nobody's.
    func find(_ credentials: Credentials) async throws(GatewayError) -> Identity {
        if let identity = try known(credentials) { return identity }
        if let token = credentials.token, let issuer, Self.isSigned(token) {
            return try await issuer.identity(of: token)
        }
        guard let key = credentials.session?.key, let session = try await sessions.find(key) else { return .anonymous }
        return Identity(
            standing: .user(name: session.user), grants: session.grants, expires: session.ends, session: key)
    }

    /// Whether a token says anything to this server.
    func counts(_ token: String) -> Bool { publishToken.isSet || (issuer != nil && Self.isSigned(token)) }

    static let wrongToken = GatewayError(.unauthorized, "the token is wrong")

    /// Whether a token has the form of a signed one (RFC 7515 section 3.1).
    private static func isSigned(_ token: String) -> Bool {
        token.utf8.lazy.filter { $0 == UInt8(ascii: ".") }.count == 2
    }
}
