import CrierTesting
import MessageBus
import NIOHTTP1
import StrictJSON
import Testing
import WebSocketTransport

@testable import Gateway

/// Signing in and out, through VMs of one deployment.
@Suite struct SignInServerTests {
    /// A cookie that is nobody's.
    private static let unknown = "crier_session=" + String(repeating: "0", count: 64)

    private static func attributes(_ cookie: String) -> [String] {
        cookie.split(separator: ";").dropFirst().map { $0.trimmingBlanks() }
    }

    @Test("a name is enough where nothing else is set, and the answer says who one is, until when, and how to sign in")
    func byName() async throws {
        try await RunningServer.with(.forTests()) { server in
            let before = try await server.request("GET", "/session")
            #expect(before.status == 200)
            #expect(try before.object()["user"]?.isNull == true)
            #expect(try before.object()["methods"]?.arrayValue == [.string("name")])
            #expect(before.setCookie == nil)
            let reply = try await server.post(session: #"{"name":"  Ada Lovelace "}"#)
            #expect(reply.status == 200)
            let user = try #require(try reply.object()["user"]?.objectValue)
            #expect(user.string("name") == "Ada Lovelace")
            let expires = Int64(try #require(user.int("expires")))
            #expect(abs(expires - WallClock.system.now().seconds - 604_800) < 60)
            #expect(reply.header("cache-control") == "no-store")
            let cookie = try #require(reply.setCookie)
            #expect(Self.attributes(cookie) == ["Path=/", "Max-Age=604800", "HttpOnly", "SameSite=Lax"])
            #expect(try await server.user(try #require(reply.cookie)) == "Ada Lovelace")
        }
    }

    @Test("behind a proxy that speaks HTTPS the cookie is for HTTPS only")
    func secure() async throws {
        try await RunningServer.with(.forTests { $0.trustedProxy = .forwarded }) { server in
            for (headers, isSecure) in [
                ([("X-Forwarded-Proto", "https")], true), ([], false), ([("X-Forwarded-Proto", "http")], false),
                ([("X-Forwarded-Proto", "http, https")], true), ([("X-Forwarded-Proto", "https, http")], false),
            ] {
                let reply = try await server.post(session: #"{"name":"Ada"}"#, headers: headers)
                #expect(Self.attributes(try #require(reply.setCookie)).contains("Secure") == isSecure)
            }
        }
        try await RunningServer.with(.forTests()) { server in
            let reply = try await server.post(session: #"{"name":"Ada"}"#, headers: [("X-Forwarded-Proto", "https")])
            #expect(!Self.attributes(try #require(reply.setCookie)).contains("Secure"))
        }
    }

    @Test("where a password is set it is needed")
    func byPassword() async throws {
        try await RunningServer.with(.forTests { $0.signIn.password = PublishToken("sesame") }) { server in
            #expect(
                try await server.request("GET", "/session").object()["methods"]?.arrayValue == [.string("password")])
            for body in [
                #"{"name":"Ada"}"#, #"{"name":"Ada","password":"Sesame"}"#, #"{"name":"Ada","password":null}"#,
                #"{"name":"Ada","password":["sesame"]}"#, #"{"name":"Ada","password":""}"#,
            ] {
                let reply = try await server.post(session: body)
                #expect(reply.status == 401, "\(body)")
                #expect(reply.code == 40102, "\(body)")
                #expect(reply.setCookie == nil)
            }
            let reply = try await server.post(session: #"{"name":"Ada","password":"sesame"}"#)
            #expect(reply.status == 200)
            #expect(try await server.user(try #require(reply.cookie)) == "Ada")
            let token = try await server.post(session: #"{"token":"a.b.c"}"#)
            #expect(token.code == 40102)
        }
    }

    @Test("passwords cannot be guessed: an address may try only so often")
    func rate() async throws {
        let configuration = ServerConfiguration.forTests {
            $0.hasRateLimits = true
            $0.signIn.password = PublishToken("sesame")
        }
        try await RunningServer.with(configuration) { server in
            let body = #"{"name":"Ada","password":"guess"}"#
            let guess =
                "POST /session HTTP/1.1\r\nHost: h\r\nContent-Type: application/json\r\n"
                + "Content-Length: \(body.utf8.count)\r\n\r\n\(body)"
            let signOut = "DELETE /session HTTP/1.1\r\nHost: h\r\nCookie: \(Self.unknown)\r\n\r\n"
            // At once, since every second gives another attempt. Signing out counts, as it writes too.
            let connection = try await RawConnection.connect(port: server.port)
            try await connection.send(
                String(repeating: guess, count: 20) + String(repeating: guess + signOut, count: 100))
            try await connection.closeOutput()
            var rest = try await connection.readToEnd()[...]
            var replies: [HTTPReply] = []
            while let reply = HTTPReply(reading: &rest) { replies.append(reply) }
            try await connection.close()
            try #require(replies.count == 220)
            #expect(replies.prefix(20).allSatisfy { $0.code == 40102 })
            for turn in 0...1 {
                let refused = replies.indices.dropFirst(20).filter { $0 % 2 == turn }.map { replies[$0] }
                    .first { $0.status == 429 }
                #expect(refused?.code == 42905)
                #expect(refused?.header("retry-after") == "1")
            }
            // Asking who one is goes on, and so does everything else.
            #expect(try await server.user(Self.unknown) == nil)
        }
    }

    @Test("what is no sign-in is refused with what is wrong")
    func wrong() async throws {
        try await RunningServer.with(.forTests()) { server in
            for (body, status, code) in [
                ("", 400, 40001), ("{", 400, 40001), ("[]", 400, 40001), ("\"Ada\"", 400, 40001),
                ("{}", 400, 40002), (#"{"name":1}"#, 400, 40002), (#"{"name":""}"#, 400, 40002),
                (#"{"name":"a\r\nSet-Cookie: x=y"}"#, 400, 40002), (#"{"name":"publisher"}"#, 400, 40002),
                (#"{"name":"Guest-1"}"#, 400, 40002), (#"{"name":"\u0000"}"#, 400, 40002),
                (#"{"token":"a.b.c"}"#, 401, 40102),
                ("{\"name\":\"\(String(repeating: "x", count: 20_000))\"}", 413, 41301),
            ] {
                let reply = try await server.post(session: body)
                #expect(reply.status == status, "\(body.prefix(40))")
                #expect(reply.code == code, "\(body.prefix(40))")
                #expect(reply.setCookie == nil)
            }
            for type in [[], [("Content-Type", "text/plain")], [("Content-Type", "application/x-www-form-urlencoded")]]
            {
                let reply = try await server.request("POST", "/session", headers: type, body: #"{"name":"Ada"}"#)
                #expect(reply.status == 415)
                #expect(reply.code == 41501)
            }
            for method in ["POST", "DELETE"] {
                let cookie = try await server.signIn("Ada")
                let headers = [RunningServer.json, ("Origin", "https://evil.example"), ("Cookie", cookie)]
                let reply = try await server.request(method, "/session", headers: headers, body: #"{"name":"Eve"}"#)
                #expect(reply.status == 403, "\(method)")
                #expect(reply.code == 40301)
                #expect(try await server.user(cookie) == "Ada")
            }
            let charset = [("Content-Type", "application/json; charset=utf-8")]
            #expect(
                try await server.request("POST", "/session", headers: charset, body: #"{"name":"A"}"#).status == 200)
        }
    }

    @Test("each sign-in has a new secret, and ends the session that was there; asking keeps it")
    func rotation() async throws {
        try await RunningServer.with(.forTests()) { server in
            let first = try await server.signIn("Ada")
            let same = try await server.request("GET", "/session", headers: [("Cookie", first)])
            #expect(same.cookie == first)
            let reply = try await server.post(session: #"{"name":"Grace"}"#, headers: [("Cookie", first)])
            let second = try #require(reply.cookie)
            #expect(second != first)
            #expect(try await server.user(first) == nil)
            #expect(try await server.user(second) == "Grace")
            // One that failed ends nothing, and a secret of one's own making is not taken over.
            _ = try await server.post(session: "{}", headers: [("Cookie", second)])
            #expect(try await server.user(second) == "Grace")
            let fixed = try await server.post(session: #"{"name":"Eve"}"#, headers: [("Cookie", Self.unknown)])
            #expect(fixed.cookie != Self.unknown)
            #expect(try await server.user(Self.unknown) == nil)
        }
    }

    @Test("whose cookie is unknown, ended or garbage is anonymous")
    func anonymous() async throws {
        try await RunningServer.with(.forTests()) { server in
            let ended = try await server.signIn("Ada")
            try await server.signOut(ended)
            for cookie in [Self.unknown, ended, "crier_session=", "crier_session=x", "crier_session=\(ended)"] {
                #expect(try await server.user(cookie) == nil)
                let raised = try await server.raise("a", "x", headers: [("Cookie", cookie)])
                #expect(raised.string("sender")?.hasPrefix("guest-") == true)
                #expect(
                    try await server.request("POST", "/_room-syd", headers: [("Cookie", cookie)], body: "x").code
                        == 40101)
                #expect(try await server.refusal(of: "/_room-syd/ws", headers: ["Cookie": cookie])?.code == 40101)
            }
        }
    }

    @Test("a session is the deployment's: the other VM honours it, also after the first has stopped")
    func otherVM() async throws {
        try await TwoVMs.with { vms in
            let cookie = try await vms.two.signIn("Ada")
            #expect(try await vms.one.user(cookie) == "Ada")
            vms.two.leave()
            try await vms.two.end()
            #expect(try await vms.one.user(cookie) == "Ada")
            let raised = try await vms.one.raise("a", "x", headers: [("Cookie", cookie)])
            #expect(raised.string("sender") == "Ada")
            let socket = try await vms.one.duplex(headers: ["Cookie": cookie])
            #expect(try await socket.ask(#"{"op":"subscribe","ref":"r","topics":["_room-syd"]}"#).event == "ack")
            try await socket.leave()
        }
    }

    @Test("signing out on one VM ends the session on both, and its sockets there, and nobody else's")
    func signOut() async throws {
        try await TwoVMs.with { vms in
            let cookie = try await vms.one.signIn("Ada")
            let other = try await vms.one.signIn("Grace")
            var sockets: [TestWebSocket] = []
            var streams: [TestStream] = []
            for vm in [vms.one, vms.two] {
                sockets.append(try await vm.duplex(headers: ["Cookie": cookie]))
                let reading = try await vm.socket("/a,_room-syd/ws", headers: ["Cookie": cookie])
                #expect(try await reading.nextObject().event == "open")
                sockets.append(reading)
                streams.append(try await .open(port: vm.port, "/_room-syd/sse", headers: [("Cookie", cookie)]))
                streams.append(try await .open(port: vm.port, "/a/json", headers: [("Cookie", cookie)]))
            }
            let stays = try await vms.two.duplex(headers: ["Cookie": other])
            try await vms.one.signOut(cookie)
            // Without the word of the sign-out they would stay for five minutes.
            for socket in sockets { #expect(try await socket.nextClose() == .signedOut) }
            for stream in streams { try await stream.awaitEnd() }
            for vm in [vms.one, vms.two] { #expect(try await vm.user(cookie) == nil) }
            #expect(try await vms.two.user(other) == "Grace")
            #expect(try await stays.ask(#"{"op":"ping","ref":"r"}"#).event == "ack")
            try await stays.leave()
            // Again, and without a cookie, it has no effect.
            try await vms.two.signOut(cookie)
            let reply = try await vms.two.request("DELETE", "/session")
            #expect(reply.status == 204)
            #expect(Self.attributes(try #require(reply.setCookie)).contains("Max-Age=0"))
        }
    }

    @Test("signing out with a secret that is nobody's goes to no other VM")
    func nothingTold() async throws {
        try await RunningServer.with(.forTests()) { server in
            try await server.raise("a", "1")
            for _ in 0..<3 { try await server.signOut(Self.unknown) }
            try await server.raise("a", "2")
            let ids = try await server.poll("/a/json?poll=1&since=all").compactMap { $0.string("id") }
            let positions = ids.compactMap(Position.init(id:))
            try #require(positions.count == 2)
            // Nothing is between them in the log.
            #expect(positions[1].offset == positions[0].offset + 1)
            try await server.signOut(try await server.signIn("Ada"))
            try await server.raise("a", "3")
            let last = try await server.poll("/a/json?poll=1&since=latest").first?.string("id").flatMap(
                Position.init(id:))
            #expect(last?.offset == positions[1].offset + 2)
        }
    }

    @Test("while the store is away who has a session is told to come again, and who has none is served")
    func storeAway() async throws {
        let store = MoodyStore()
        try await RunningServer.with(.forTests(), store: store) { server in
            let cookie = try await server.signIn("Ada")
            let socket = try await server.duplex(headers: ["Cookie": cookie])
            store.setAway(true)
            let headers = [("Cookie", cookie)]
            for (method, target, body) in [
                ("GET", "/session", ""), ("DELETE", "/session", ""), ("POST", "/session", #"{"name":"Ada"}"#),
                ("POST", "/a", "x"), ("GET", "/a/json?poll=1", ""), ("GET", "/a/sse", ""), ("GET", "/v1/rooms/syd", ""),
            ] {
                let reply = try await server.request(
                    method, target, headers: headers + [RunningServer.json], body: body)
                #expect(reply.status == 503, "\(method) \(target)")
                #expect(reply.header("retry-after") == "2", "\(method) \(target)")
            }
            #expect(try await server.refusal(of: "/ws", headers: ["Cookie": cookie])?.status == 503)
            try await server.stillWorks()
            // Nobody is signed out by that.
            #expect(try await socket.ask(#"{"op":"publish","ref":"r","topic":"_room-syd"}"#).event == "ack")
            store.setAway(false)
            #expect(try await server.user(cookie) == "Ada")
            try await socket.leave()
        }
    }

    @Test("a page of another site that has a browser follow a link raises nothing in its user's name")
    func link() async throws {
        try await RunningServer.with(.forTests()) { server in
            let cookie = [("Cookie", try await server.signIn("Ada"))]
            for path in ["publish", "send", "trigger"] {
                let reply = try await server.request("GET", "/_room-syd/\(path)?message=x", headers: cookie)
                #expect(reply.code == 40101, "\(path)")
            }
            let reply = try await server.request("GET", "/a/publish?message=x", headers: cookie)
            #expect(try reply.object().string("sender")?.hasPrefix("guest-") == true)
            #expect(try await server.poll("/_room-syd/json?poll=1&since=all", headers: cookie).isEmpty)
        }
    }

    @Test("a reader that has said all before it is known who they are still gets its answer")
    func halfClosed() async throws {
        try await RunningServer.with(.forTests()) { server in
            let cookie = try await server.signIn("Ada")
            try await server.raise("a", "one")
            let request: @Sendable (String) -> String = { "GET \($0) HTTP/1.1\r\nHost: h\r\nCookie: \(cookie)\r\n\r\n" }
            let poll = try await RawConnection.connect(port: server.port)
            try await poll.send(request("/a/raw?poll=1&since=all"))
            try await poll.closeOutput()
            #expect(String(decoding: try await poll.readToEnd(), as: UTF8.self).hasSuffix("\r\n\r\none\n"))
            // One that would read on without an end is let go.
            let stream = try await RawConnection.connect(port: server.port)
            try await stream.send(request("/a/sse"))
            try await stream.closeOutput()
            _ = try await stream.readToEnd()
            try await server.awaitSockets(0)
        }
    }
}
