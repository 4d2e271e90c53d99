public import MessageBus

/// Who a verified token is about, until when, and what they may do.
public struct AccessClaims: Sendable, Equatable {
    /// The issuer's name for them (`sub`), never used twice.
    public let subject: String
    /// What to call them: `name`, else `preferred_username`, else the subject. Whatever they chose; not unique.
    public let displayName: String
    /// From then on the token is not valid (`exp`); the issuer's leeway is not in it.
    public let expiry: WallTime
    /// Before then the token is not valid: the later of `nbf` and `iat`, where there are some.
    public let notBefore: WallTime?
    /// `nil`: the token says nothing about it.
    public let grants: Grants?

    /// The topics that a token opens: its claim `crier`.
    public struct Grants: Sendable, Equatable {
        /// Patterns of topics, as they were written: at most 64, each of 1 to 64 bytes.
        public let publish: [String]
        public let subscribe: [String]

        public init(publish: [String] = [], subscribe: [String] = []) {
            self.publish = publish
            self.subscribe = subscribe
        }
    }

    public init(
        subject: String, displayName: String, expiry: WallTime, notBefore: WallTime? = nil, grants: Grants? = nil
    ) {
        self.subject = subject
        self.displayName = displayName
        self.expiry = expiry
        self.notBefore = notBefore
        self.grants = grants
    }

    /// - Parameter leeway: in milliseconds.
    func check(at now: WallTime, leeway: Int64) throws(TokenError) {
        guard now < expiry.advanced(byMilliseconds: leeway) else { throw .expired }
        if let notBefore, now.advanced(byMilliseconds: leeway) < notBefore { throw .notYetValid }
    }
}
