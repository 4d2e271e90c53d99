import MessageBus
import StrictJSON

/// Signs users in and out.
struct SignInDesk {
    /// How users say who they are.
    enum Method: String {
        case name, password, token
    }

    /// Someone who is signed in.
    struct Visit {
        let user: String
        let secret: SessionSecret
        /// How long the session lasts if it is not used.
        let lasting: Duration
    }

    let context: GatewayContext

    private var sessions: SessionBook { context.identities.sessions }

    var methods: [Method] {
        var methods: [Method] = []
        if context.configuration.signIn.password.isSet { methods.append(.password) }
        if context.identities.issuer != nil { methods.append(.token) }
        return methods.isEmpty ? [.name] : methods
    }

    /// Whoever a secret belongs to, whose session then lasts anew.
    func visit(_ secret: SessionSecret?) async throws(GatewayError) -> Visit? {
        guard let secret, let session = try await sessions.find(secret.key) else { return nil }
        try await sessions.refresh(secret.key, session)
        return Visit(user: session.user, secret: secret, lasting: sessions.rest(of: session))
    }

    /// Signs someone in by `{"name"}`, `{"name","password"}` or `{"token"}`, with a new session in the place of the one they had.
    func signIn(
        _ body: [UInt8], from address: ClientAddress, instead former: SessionSecret?
    ) async throws(GatewayError) -> Visit {
        try context.signIns.admitAttempt(from: address)
        let session = try await session(body)
        if let former { try await end(former) }
        let secret = try await sessions.begin(session)
        return Visit(user: session.user, secret: secret, lasting: sessions.rest(of: session))
    }

    private func session(_ body: [UInt8]) async throws(GatewayError) -> Session {
        let value: JSONValue
        do { value = try JSONValue.parse(body) } catch { throw GatewayError(error) }
        guard let object = value.objectValue else {
            throw GatewayError(.invalidJSON, "a sign-in is a JSON object")
        }
        let now = context.clock.now()
        if let token = object["token"] {
            guard let issuer = context.identities.issuer else {
                throw GatewayError(.signInRefused, "this server takes no tokens for sign-in")
            }
            guard let token = token.stringValue else {
                throw GatewayError(.invalidField, "token has to be a string")
            }
            let identity = try await issuer.identity(of: token)
            return Session(
                user: identity.user ?? "", since: now, ends: identity.expires, grants: identity.grants)
        }
        guard methods.contains(.name) || methods.contains(.password) else {
            throw GatewayError(.signInRefused, "sign in by a token of the issuer")
        }
        guard let given = object["name"]?.stringValue else {
            throw GatewayError(.invalidField, "name has to be a string")
        }
        let name = try UserName(given)
        guard context.configuration.signIn.password.accepts(object["password"]?.stringValue) else {
            throw GatewayError(.signInRefused, "the password is wrong")
        }
        return Session(user: name.text, since: now)
    }

    /// Ends a session on every VM, and its sockets.
    func signOut(_ secret: SessionSecret, from address: ClientAddress) async throws(GatewayError) {
        try context.signIns.admitAttempt(from: address)
        try await end(secret)
    }

    private func end(_ secret: SessionSecret) async throws(GatewayError) {
        // Nothing goes to the other VMs for a secret that somebody made up.
        guard try await sessions.end(secret.key) else { return }
        context.sessionSockets.end(secret.key)
        await context.deployment.tell(.sessionEnded(secret.key))
    }
}
