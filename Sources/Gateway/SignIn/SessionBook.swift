import MessageBus

/// The deployment's sessions, in the store beside the bus: every VM knows them, and none of them needs the VM that made it.
struct SessionBook: Sendable {
    private static let collection: StoreCollection = {
        guard let collection = StoreCollection("sessions") else { preconditionFailure("not a collection") }
        return collection
    }()

    let store: any SharedStore
    /// How long a session lasts that is not used.
    let lifetime: Duration
    let clock: WallClock

    /// Makes a session.
    ///
    /// - Returns: the secret that its browser is to hold.
    func begin(_ session: Session) async throws(GatewayError) -> SessionSecret {
        let secret = SessionSecret()
        try await wrapping { () async throws(BusError) in
            try await store.set(name(secret.key), session.json, lasting: rest(of: session))
        }
        return secret
    }

    /// The session of a key; `nil` where it has ended.
    func find(_ key: SessionKey) async throws(GatewayError) -> Session? {
        let json = try await wrapping { () async throws(BusError) in try await store.value(of: name(key)) }
        guard let session = json.flatMap(Session.init(json:)) else { return nil }
        if let ends = session.ends, ends <= clock.now() { return nil }
        return session
    }

    /// Lets a session that is used last anew.
    func refresh(_ key: SessionKey, _ session: Session) async throws(GatewayError) {
        _ = try await wrapping { () async throws(BusError) in
            try await store.extend(name(key), lasting: rest(of: session))
        }
    }

    /// Ends a session. Repeating it has no effect.
    ///
    /// - Returns: whether there was one.
    func end(_ key: SessionKey) async throws(GatewayError) -> Bool {
        try await wrapping { () async throws(BusError) in try await store.remove(name(key)) }
    }

    /// How long a session lasts from now if it is not used.
    func rest(of session: Session) -> Duration {
        guard let ends = session.ends else { return lifetime }
        return min(lifetime, .milliseconds(max(1, ends.milliseconds - clock.now().milliseconds)))
    }

    private func name(_ key: SessionKey) -> StoreName {
        guard let name = StoreName(Self.collection, key.text) else { preconditionFailure("a hash is a key") }
        return name
    }

    private func wrapping<Value>(
        _ body: () async throws(BusError) -> Value
    ) async throws(GatewayError) -> Value {
        do { return try await body() } catch { throw GatewayError(error) }
    }
}
