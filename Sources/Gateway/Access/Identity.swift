import MessageBus

/// Who makes a request, as far as the server knows, and what they were granted.
struct Identity: Sendable, Equatable {
    enum Standing: Sendable, Equatable {
        case anonymous
        /// Gave the publish token.
        case publisher
        /// Signed in, or gave a token that names them.
        case user(name: String)
    }

    let standing: Standing
    /// What they may besides what the rights say.
    var grants = Grants.none
    /// From then on they are nobody any more.
    var expires: WallTime?
    /// The session by which they are known.
    var session: SessionKey?

    static let anonymous = Identity(standing: .anonymous)
    static let publisher = Identity(standing: .publisher)

    /// The signed-in user's name.
    var user: String? { if case .user(let name) = standing { name } else { nil } }
}

/// Topics that someone was given by name.
struct Grants: Sendable, Hashable {
    var publish: [TopicPattern] = []
    var subscribe: [TopicPattern] = []

    static let none = Grants()
}
