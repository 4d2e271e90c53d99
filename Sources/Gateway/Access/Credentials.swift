import NIOHTTP1

/// What a request says of who makes it.
struct Credentials: Sendable, Equatable {
    /// The session's secret, of the cookie.
    var session: SessionSecret?
    /// Of `Authorization`, or of the query's `auth`.
    var token: String?

    static let none = Credentials()

    init(session: SessionSecret? = nil, token: String? = nil) {
        self.session = session
        self.token = token
    }

    init(_ head: HTTPRequestHead) {
        for (name, value) in head.headers {
            // By their lengths first, since nearly all heads have neither.
            switch name.utf8.count {
            case 6 where session == nil && name.lowercased() == "cookie": session = SessionSecret(inCookies: value)
            case 13 where token == nil && name.lowercased() == "authorization":
                token = PublishToken.token(inAuthorization: value)
            default: break
            }
        }
        guard token == nil, !head.query.isEmpty else { return }
        token = PublishToken.token(inQuery: Query.parse(head.query).first { $0.name.lowercased() == "auth" }?.value)
    }

    init(_ fields: RequestFields) {
        session = fields.header("cookie").flatMap(SessionSecret.init(inCookies:))
        token =
            PublishToken.token(inAuthorization: fields.header("authorization"))
            ?? PublishToken.token(inQuery: fields.value(["auth"]))
    }
}
