import AccessTokens
import Logging
import MessageBus
import NIOHTTP1
import Testing

@testable import Gateway

@Suite struct IdentitiesTests {
    private static func identities(token: String? = nil, hasIssuer: Bool = false) throws -> Identities {
        let book = SessionBook(store: InProcessStore(), lifetime: .seconds(60), clock: .system)
        // Nothing listens there.
        let issuer = try TokenIssuer(issuer: "http://127.0.0.1:1", audience: "crier")
        let verifier = TokenVerifier(issuer, logger: Logger(label: "tests") { _ in SwiftLogNoOpLogHandler() })
        return Identities(
            publishToken: PublishToken(token), sessions: book,
            issuer: hasIssuer ? IssuerTokens(verifier: verifier) : nil)
    }

    private static func head(_ uri: String, _ headers: HTTPHeaders = [:]) -> HTTPRequestHead {
        HTTPRequestHead(version: .http1_1, method: .GET, uri: uri, headers: headers)
    }

    @Test(
        "whoever says nothing is anonymous, whoever gives the publish token is the publisher, and a wrong one is refused"
    )
    func known() throws {
        let open = try Self.identities()
        #expect(try open.known(.none) == .anonymous)
        #expect(try open.known(Credentials(token: "anything")) == .anonymous)
        let closed = try Self.identities(token: "s")
        #expect(try closed.known(.none) == .anonymous)
        #expect(try closed.known(Credentials(token: "s")) == .publisher)
        for wrong in ["", "t", "a.b.c", "s "] {
            let error = #expect(throws: GatewayError.self) { try closed.known(Credentials(token: wrong)) }
            #expect(error?.code == .unauthorized)
        }
    }

    @Test("who has a session, or a signed token, has to be asked for")
    func unknown() throws {
        let secret = SessionSecret()
        let open = try Self.identities(hasIssuer: true)
        #expect(try open.known(Credentials(session: secret)) == nil)
        #expect(try open.known(Credentials(token: "a.b.c")) == nil)
        #expect(try open.known(Credentials(session: secret, token: "opaque")) == nil)
        // The token counts before the session, and the publish token even where it looks like a signed one.
        #expect(try Self.identities(token: "a.b.c", hasIssuer: true).known(Credentials(token: "a.b.c")) == .publisher)
        #expect(try Self.identities(token: "s").known(Credentials(session: secret, token: "s")) == .publisher)
    }

    @Test("a session's user is found with their grants, and nobody by a secret that is none's")
    func sessions() async throws {
        let identities = try Self.identities()
        let grants = Grants(publish: [try #require(TopicPattern("a-*"))])
        let ends = WallClock.system.now().advanced(byMilliseconds: 30_000)
        let secret = try await identities.sessions.begin(
            Session(user: "Ada", since: WallClock.system.now(), ends: ends, grants: grants))
        let found = try await identities.find(Credentials(session: secret))
        #expect(found == Identity(standing: .user(name: "Ada"), grants: grants, expires: ends, session: secret.key))
        #expect(try await identities.find(Credentials(session: SessionSecret())) == .anonymous)
    }

    @Test("a token that is none is refused without asking the issuer")
    func tokens() async throws {
        let identities = try Self.identities(hasIssuer: true)
        let error = await #expect(throws: GatewayError.self) { try await identities.find(Credentials(token: "a.b.c")) }
        #expect(error?.code == .invalidToken)
    }

    @Test("what a request says of who makes it")
    func credentials() {
        let secret = SessionSecret()
        let head = Self.head(
            "/a/sse?x=y&auth=QmVhcmVyIHMzY3JldA", ["Cookie": "a=b; crier_session=\(secret.text)"])
        #expect(Credentials(head) == Credentials(session: secret, token: "s3cret"))
        let both = Self.head("/a?auth=QmVhcmVyIHMzY3JldA", ["Authorization": "Bearer other"])
        #expect(Credentials(both) == Credentials(token: "other"))
        for head in [Self.head("/"), Self.head("/?auth=", ["Cookie": "crier_session=x"]), Self.head("/?auth=%00%ff")] {
            #expect(Credentials(head) == Credentials.none)
            #expect(Credentials(RequestFields(head)) == Credentials.none)
        }
        #expect(Credentials(RequestFields(both)) == Credentials(both))
        #expect(Credentials(RequestFields(head)) == Credentials(head))
    }
}
