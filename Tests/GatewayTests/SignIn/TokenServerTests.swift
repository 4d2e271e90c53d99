import AccessTokens
import CrierTesting
import MessageBus
import NIOHTTP1
import StrictJSON
import Testing
import WebSocketTransport

@testable import Gateway

/// Signed tokens of an issuer, on each way into a VM.
@Suite struct TokenServerTests {
    private struct Fixture: Sendable {
        let server: RunningServer
        let issuer: LoopbackIssuer
        let key: SigningKey

        /// A token for an hour, or until `seconds` from now.
        func token(_ changes: [String: String?] = [:], lasting seconds: Int64 = 3600) throws -> String {
            let now = WallClock.system.now().seconds
            let claims: [String: String?] = ["exp": "\(now + seconds)", "iat": "\(now - 1)", "name": #""Ada""#]
            return try key.token(TestClaims(issuer: issuer.url, claims.merging(changes) { $1 }))
        }

        func bearer(_ changes: [String: String?] = [:]) throws -> (String, String) {
            ("Authorization", "Bearer \(try token(changes))")
        }
    }

    private static func with(
        publish: String = "", subscribe: String = "", leeway: Int64 = TokenIssuer.defaultLeeway,
        _ body: @escaping @Sendable (Fixture) async throws -> Void
    ) async throws {
        let (publish, subscribe) = (
            try #require(TopicRights.rules(publish)), try #require(TopicRights.rules(subscribe))
        )
        try await LoopbackIssuer.with { issuer in
            let key = SigningKey.es256("k")
            issuer.serve([key])
            let trusted = try TokenIssuer(issuer: issuer.url, audience: "crier", leeway: leeway)
            let configuration = ServerConfiguration.forTests {
                $0.issuer = trusted
                $0.maximumText = 60_000
                $0.publishRules = publish
                $0.subscribeRules = subscribe
            }
            try await RunningServer.with(configuration) { server in
                try await body(Fixture(server: server, issuer: issuer, key: key))
            }
        }
    }

    private static func chunked(_ topic: String, _ header: (String, String)) -> [UInt8] {
        let head = "POST /\(topic) HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\(header.0): \(header.1)\r\n"
        return Array("\(head)Transfer-Encoding: chunked\r\n\r\n1\r\nx\r\n0\r\n\r\n".utf8)
    }

    /// A token as the query's `auth` has it.
    private static func query(_ token: String) -> String { "auth=" + base64URL("Bearer \(token)".utf8) }

    /// Seconds that a token lasts whose end is awaited: what comes before its end must have happened by then, on a busy machine too.
    private static let shortly: Int64 = 15

    private static let grants = ["crier": #"{"publish":["alarms-*"],"subscribe":["alarms-1","logs"]}"#]

    @Test("a token names who publishes, on both ways over HTTP, and opens what it grants")
    func publishing() async throws {
        try await Self.with(publish: "alarms-*=token") { fixture in
            let plain = try fixture.bearer()
            let granted = try fixture.bearer(Self.grants)
            for (topic, header, code) in [
                ("a", plain, nil), ("_room-syd", plain, nil), ("alarms-1", plain, 40302), ("alarms-1", granted, nil),
                ("_crier", granted, 40302),
            ] {
                for reply in [
                    try await fixture.server.request("POST", "/\(topic)", headers: [header], body: "x"),
                    try await fixture.server.exchange(Self.chunked(topic, header)),
                ] {
                    #expect(reply.code == code, "\(topic): \(reply.text)")
                    if code == nil { #expect(try reply.object().string("sender") == "Ada") }
                }
            }
            // A link may carry it: no browser adds it by itself.
            let query = Self.query(try fixture.token())
            let link = try await fixture.server.request("GET", "/_room-syd/publish?message=x&\(query)")
            #expect(link.status == 200, "\(link.text)")
        }
    }

    @Test("pipelined behind a token that is being verified, requests are answered in order")
    func pipelinedRequests() async throws {
        try await Self.with { fixture in
            let header = try fixture.bearer()
            let connection = try await RawConnection.connect(port: fixture.server.port)
            var bytes = ""
            for message in ["1", "2", "3"] {
                let field = message == "1" ? "\(header.0): \(header.1)\r\n" : ""
                bytes += "POST /a HTTP/1.1\r\nHost: h\r\n\(field)Content-Length: 1\r\n\r\n\(message)"
            }
            try await connection.send(bytes)
            let answer = try await connection.read { bytes in
                String(decoding: bytes, as: UTF8.self).contains(#""message":"3""#)
                    && bytes.last == UInt8(ascii: "\n")
            }
            var rest = answer[...]
            var messages: [String?] = []
            while let reply = HTTPReply(reading: &rest) { messages.append(try reply.object().string("message")) }
            #expect(messages == ["1", "2", "3"])
            try await connection.close()
        }
    }

    @Test("a token opens what it grants to a reader, in the handshake, in the query and by auth")
    func reading() async throws {
        try await Self.with(publish: "", subscribe: "alarms-*=token, logs=token") { fixture in
            let server = fixture.server
            let token = try fixture.token(Self.grants)
            let bearer: HTTPHeaders = ["Authorization": "Bearer \(token)"]
            #expect(try await server.refusal(of: "/alarms-1/ws")?.status == 401)
            #expect(try await server.refusal(of: "/alarms-2/ws", headers: bearer)?.status == 403)
            let topic = try await server.socket("/alarms-1/ws", headers: bearer)
            let all = try await server.socket("/*/ws", headers: bearer)
            let events = try await TestStream.open(port: server.port, "/alarms-1,logs/json?\(Self.query(token))")
            let duplex = try await server.duplex(headers: bearer)
            #expect(try await duplex.ask(#"{"op":"subscribe","ref":"r","topics":["logs"]}"#).event == "ack")
            for name in ["alarms-2", "alarms-1", "logs", "open"] { try await server.raise(name, name) }
            #expect(try await topic.nextObject().event == "open")
            #expect(try await topic.nextObject().string("message") == "alarms-1")
            #expect(try await all.nextObject().event == "open")
            for name in ["alarms-1", "logs", "open"] { #expect(try await all.nextObject().string("message") == name) }
            #expect(try await events.nextObject()?.event == "open")
            for name in ["alarms-1", "logs"] { #expect(try await events.nextObject()?.string("message") == name) }
            #expect(try await duplex.nextObject().string("message") == "logs")
            for socket in [topic, all, duplex] { try await socket.leave() }
            await events.close()
        }
    }

    @Test("frames behind an auth wait for it and keep their order")
    func authentication() async throws {
        try await Self.with(subscribe: "alarms-*=token") { fixture in
            let socket = try await fixture.server.duplex()
            let token = try fixture.token(Self.grants)
            try await socket.send(text: #"{"op":"subscribe","ref":"0","topics":["alarms-1"]}"#)
            try await socket.send(text: #"{"op":"auth","ref":"1","token":"\#(token)"}"#)
            try await socket.send(text: #"{"op":"subscribe","ref":"2","topics":["alarms-1"]}"#)
            try await socket.send(text: #"{"op":"ping","ref":"3"}"#)
            try await socket.send(text: #"{"op":"auth","ref":"4","token":"\#(token)x"}"#)
            try await socket.send(text: #"{"op":"subscribe","ref":"5","topics":["alarms-1"]}"#)
            try await socket.send(text: #"{"op":"ping","ref":"6"}"#)
            var answers: [String] = []
            for _ in 0...6 {
                let object = try await socket.nextObject()
                answers.append("\(object.string("ref") ?? "") \(object.event ?? "") \(object.int("code") ?? 0)")
            }
            #expect(
                answers == [
                    "0 error 40101", "1 ack 0", "2 ack 0", "3 ack 0", "4 error 40103", "5 error 40101", "6 ack 0",
                ])
            try await socket.send(text: #"{"op":"auth","ref":"7","token":"\#(token)"}"#)
            #expect(try await socket.nextObject().event == "ack")
            let published = try await socket.ask(#"{"op":"publish","ref":"8","topic":"_room-syd","message":"m"}"#)
            #expect(published.event == "ack")
            let held = try await fixture.server.poll(
                "/_room-syd/json?poll=1&since=all", headers: [try fixture.bearer()])
            #expect(held.first?.string("sender") == "Ada")
            try await socket.leave()
        }
    }

    @Test("a socket whose identity changes follows on what the new one may read, and nothing else")
    func lessRights() async throws {
        try await Self.with(subscribe: "alarms-*=token") { fixture in
            let server = fixture.server
            let token = try fixture.token(Self.grants)
            let named = try await server.duplex()
            let all = try await server.duplex()
            for (socket, topics) in [(named, #"["alarms-1","open"]"#), (all, #"["*"]"#)] {
                #expect(try await socket.ask(#"{"op":"auth","ref":"r","token":"\#(token)"}"#).event == "ack")
                #expect(try await socket.ask(#"{"op":"subscribe","ref":"r","topics":\#(topics)}"#).event == "ack")
            }
            try await server.raise("alarms-1", "before")
            for socket in [named, all] { #expect(try await socket.nextObject().string("message") == "before") }
            for socket in [named, all] {
                #expect(try await socket.ask(#"{"op":"auth","ref":"r","token":"a.b.c"}"#).int("code") == 40103)
            }
            try await server.raise("alarms-1", "after")
            try await server.raise("open", "open")
            for socket in [named, all] { #expect(try await socket.nextObject().string("message") == "open") }
            // And with the token again all topics are those of its owner.
            #expect(try await all.ask(#"{"op":"auth","ref":"r","token":"\#(token)"}"#).event == "ack")
            try await server.raise("alarms-1", "again")
            #expect(try await all.nextObject().string("message") == "again")
            for socket in [named, all] { try await socket.leave() }
        }
    }

    @Test("a socket that reads nothing while its identity changes is closed rather than filled on")
    func lessRightsWhileFilled() async throws {
        try await Self.with(subscribe: "alarms-*=token") { fixture in
            let server = fixture.server
            // More than the system takes for a socket that is not read.
            let text = String(repeating: "x", count: 60_000)
            for _ in 0..<400 { try await server.raise("alarms-1", text) }
            let token = try fixture.token(Self.grants)
            let socket = try await server.duplex(headers: ["Authorization": "Bearer \(token)"])
            try await socket.setReading(false)
            try await socket.send(text: #"{"op":"subscribe","ref":"s","topics":["alarms-1"],"since":"all"}"#)
            try await socket.send(text: #"{"op":"auth","ref":"r","token":"a.b.c"}"#)
            try await server.awaitSockets(0)
            try await socket.leave()
        }
    }

    @Test("a token that counts for nothing is refused on every way, and says so as OAuth has it")
    func wrong() async throws {
        try await Self.with { fixture in
            let server = fixture.server
            let stranger = SigningKey.es256("k")
            let claims = TestClaims(issuer: fixture.issuer.url, ["exp": "99999999999", "iat": nil])
            for token in [
                "a.b.c", "..", try stranger.token(claims), try fixture.token(["aud": #""other""#]),
                try fixture.token(["iss": #""https://evil.example""#]), try fixture.token(lasting: -60),
                try fixture.token(["crier": #"{"publish":["a b"]}"#]), try fixture.token() + "x",
            ] {
                let header = ("Authorization", "Bearer \(token)")
                var replies = [
                    try await server.request("POST", "/a", headers: [header], body: "x"),
                    try await server.exchange(Self.chunked("a", header)),
                ]
                for form in ["sse", "json?poll=1", "raw"] {
                    replies.append(try await server.request("GET", "/a/\(form)", headers: [header]))
                }
                replies.append(try await server.request("GET", "/a/sse?\(Self.query(token))"))
                replies.append(try await server.post(session: #"{"token":"\#(token)"}"#))
                for reply in replies {
                    #expect(reply.status == 401)
                    #expect(reply.code == 40103, "\(reply.text)")
                    let challenge = reply.header("www-authenticate")
                    #expect(challenge?.hasPrefix(#"Bearer error="invalid_token", error_description=""#) == true)
                    #expect(reply.setCookie == nil)
                }
                for path in ["/ws", "/a/ws"] {
                    let refusal = try await server.refusal(of: path, headers: ["Authorization": "Bearer \(token)"])
                    #expect(refusal?.status == 401)
                    #expect(refusal?.headers["www-authenticate"].first?.contains(#"error="invalid_token""#) == true)
                }
            }
            #expect(try await server.poll("/a/json?poll=1&since=all").isEmpty)
        }
    }

    @Test("while the issuer cannot be asked, its tokens are told to come again")
    func issuerAway() async throws {
        try await Self.with { fixture in
            await fixture.issuer.stop()
            let server = fixture.server
            let token = try fixture.token()
            let header = ("Authorization", "Bearer \(token)")
            for reply in [
                try await server.request("POST", "/a", headers: [header], body: "x"),
                try await server.exchange(Self.chunked("a", header)),
                try await server.request("GET", "/a/sse?\(Self.query(token))"),
                try await server.post(session: #"{"token":"\#(token)"}"#),
            ] {
                #expect(reply.status == 503)
                #expect(reply.code == 50306, "\(reply.text)")
                #expect(reply.header("retry-after") != nil)
            }
            #expect(try await server.refusal(of: "/ws", headers: ["Authorization": header.1])?.code == 50306)
            let socket = try await server.duplex()
            let answer = try await socket.ask(#"{"op":"auth","ref":"r","token":"\#(token)"}"#)
            #expect(answer.int("code") == 50306)
            #expect(answer.int("retry_after") != nil)
            try await socket.leave()
            try await server.stillWorks()
        }
    }

    @Test("signing in by a token makes a session with its grants, which ends with it")
    func signIn() async throws {
        try await Self.with(publish: "alarms-*=token", leeway: 0) { fixture in
            let server = fixture.server
            #expect(
                try await server.request("GET", "/session").object()["methods"]?.arrayValue == [.string("token")])
            #expect(try await server.post(session: #"{"name":"Ada"}"#).code == 40102)
            for body in [#"{"token":null}"#, #"{"token":1}"#] {
                #expect(try await server.post(session: body).code == 40002)
            }
            let token = try fixture.token(Self.grants, lasting: Self.shortly)
            let reply = try await server.post(session: #"{"token":"\#(token)"}"#)
            let cookie = try #require(reply.cookie)
            #expect(try reply.object()["user"]?.objectValue?.string("name") == "Ada")
            let raised = try await server.raise("alarms-1", "x", headers: [("Cookie", cookie)])
            #expect(raised.string("sender") == "Ada")
            let socket = try await server.duplex(headers: ["Cookie": cookie])
            #expect(try await socket.nextClose() == .signedOut)
            #expect(try await server.user(cookie) == nil)
        }
    }

    @Test("as long as a token that has expired is accepted, for the sake of clocks, its sockets stay")
    func leeway() async throws {
        try await Self.with(leeway: 600_000) { fixture in
            let bearer: HTTPHeaders = ["Authorization": "Bearer \(try fixture.token(lasting: -5))"]
            let socket = try await fixture.server.duplex(headers: bearer)
            for _ in 0..<3 { #expect(try await socket.ask(#"{"op":"ping","ref":"r"}"#).event == "ack") }
            try await socket.leave()
        }
    }

    @Test("sockets and streams end when their token does")
    func expiry() async throws {
        try await Self.with(leeway: 0) { fixture in
            let server = fixture.server
            let token = try fixture.token(lasting: Self.shortly)
            let bearer: HTTPHeaders = ["Authorization": "Bearer \(token)"]
            let later = try await server.duplex()
            #expect(try await later.ask(#"{"op":"auth","ref":"r","token":"\#(token)"}"#).event == "ack")
            let renewed = try await server.duplex(headers: bearer)
            let fresh = try fixture.token()
            #expect(try await renewed.ask(#"{"op":"auth","ref":"r","token":"\#(fresh)"}"#).event == "ack")
            let sockets = [
                later, try await server.duplex(headers: bearer), try await server.socket("/a/ws", headers: bearer),
            ]
            let stream = try await TestStream.open(port: server.port, "/a/sse?\(Self.query(token))")
            for socket in sockets { #expect(try await socket.nextClose() == .signedOut) }
            try await stream.awaitEnd()
            // One that was given a new token in time goes on.
            #expect(try await renewed.ask(#"{"op":"ping","ref":"r"}"#).event == "ack")
            try await renewed.leave()
        }
    }
}
