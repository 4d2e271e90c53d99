import CrierTesting
import NIOHTTP1
import StrictJSON
import Testing

@testable import Gateway

@Suite struct AccessTests {
    private static let token = "s3cret"
    /// `Authorization` values in base64: `:s3cret` for Basic, and `Bearer s3cret` and `Basic OnMzY3JldA==` for the query.
    private static let basic = "OnMzY3JldA=="

    @Test("a page of another origin may neither connect nor publish nor read")
    func foreign() async throws {
        try await RunningServer.with(.forTests()) { server in
            let origin = [("Origin", "https://evil.example")]
            for (method, target) in [
                ("POST", "/a"), ("PUT", "/a"), ("POST", "/"), ("GET", "/a/publish"), ("GET", "/a/sse"),
                ("GET", "/a/json?poll=1"), ("GET", "/a/raw"),
                ("POST", "/a/alertmanager"),
            ] {
                let reply = try await server.request(method, target, headers: origin, body: method == "GET" ? "" : "x")
                #expect(reply.status == 403, "\(method) \(target)")
                #expect(reply.code == 40301)
                #expect(reply.header("access-control-allow-origin") == nil)
            }
            for path in ["/ws", "/a/ws"] {
                let refusal = try await server.refusal(of: path, headers: ["Origin": "https://evil.example"])
                #expect(refusal?.status == 403)
                #expect(refusal?.code == 40301)
            }
            #expect(try await server.poll("/*/json?poll=1").isEmpty)
            try await server.awaitSockets(0)
        }
    }

    @Test("the server's own pages may connect and publish")
    func same() async throws {
        try await RunningServer.with(.forTests()) { server in
            let origin = "http://127.0.0.1:\(server.port)"
            try await server.raise("a", "x", headers: [("Origin", origin)])
            #expect(try await server.poll("/a/json?poll=1", headers: [("Origin", origin)]).count == 1)
            let socket = try await server.duplex(headers: ["Origin": origin])
            try await socket.leave()
        }
    }

    @Test("an allowed origin is told so, in publishes, streams and preflights")
    func allowed() async throws {
        try await RunningServer.with(.forTests { $0.allowedOrigins = .list(["https://good.example"]) }) { server in
            let origin = [("Origin", "https://good.example")]
            let published = try await server.request("POST", "/a", headers: origin, body: "x")
            let polled = try await server.request("GET", "/a/json?poll=1", headers: origin)
            let preflight = try await server.request(
                "OPTIONS", "/a",
                headers: origin + [
                    ("Access-Control-Request-Method", "POST"), ("Access-Control-Request-Headers", "x-title"),
                ])
            let refused = try await server.request("POST", "/a", headers: origin + [("Priority", "9")], body: "x")
            #expect(refused.status == 400)
            #expect(refused.header("access-control-allow-origin") == "https://good.example")
            #expect(refused.header("access-control-expose-headers") == "Retry-After")
            for reply in [published, polled, preflight] {
                #expect((200..<300).contains(reply.status))
                #expect(reply.header("access-control-allow-origin") == "https://good.example")
                #expect(reply.header("vary") == "Origin")
            }
            #expect(preflight.header("access-control-allow-methods")?.contains("POST") == true)
            #expect(preflight.header("access-control-allow-headers") == "x-title")
            let foreign = try await server.request("OPTIONS", "/a", headers: [("Origin", "https://evil.example")])
            #expect(foreign.header("access-control-allow-origin") == nil)
            let socket = try await server.socket("/a/ws", headers: ["Origin": "https://good.example"])
            try await socket.leave()
        }
    }

    @Test("CloudEvents' handshake names the sender and the rate")
    func webHook() async throws {
        try await RunningServer.with(.forTests { $0.hasRateLimits = true }) { server in
            let reply = try await server.request(
                "OPTIONS", "/a", headers: [("WebHook-Request-Origin", "events.example")])
            #expect(reply.status == 204)
            #expect(reply.header("webhook-allowed-origin") == "events.example")
            #expect(reply.header("webhook-allowed-rate") == "3000")
        }
    }

    @Test("with a token set, every publish needs it, and each way of giving it is taken")
    func token() async throws {
        try await RunningServer.with(.forTests { $0.publishToken = PublishToken(Self.token) }) { server in
            for (method, target) in [
                ("POST", "/a"), ("PUT", "/a"), ("POST", "/"), ("GET", "/a/publish"), ("GET", "/a/send"),
                ("GET", "/a/trigger"), ("POST", "/a/alertmanager"),
            ] {
                for headers in [[], [("Authorization", "Bearer wrong")], [("Authorization", "Basic \(Self.basic)x")]] {
                    let reply = try await server.request(
                        method, target, headers: headers, body: method == "GET" ? "" : "{}")
                    #expect(reply.status == 401, "\(method) \(target)")
                    #expect(reply.code == 40101)
                    #expect(reply.header("www-authenticate") == "Bearer")
                }
            }
            #expect(try await server.poll("/*/json?poll=1").isEmpty)
            for (target, headers) in [
                ("/a", [("Authorization", "Bearer \(Self.token)")]), ("/a", [("authorization", "basic \(Self.basic)")]),
                ("/a?auth=QmVhcmVyIHMzY3JldA", []), ("/a?auth=QmFzaWMgT25NelkzSmxkQT09", []),
            ] {
                let reply = try await server.request("POST", target, headers: headers, body: "x")
                #expect(reply.status == 200, "\(target) \(headers)")
                #expect(try reply.object().string("sender") == "publisher")
            }
            #expect(try await server.poll("/a/json?poll=1").count == 4)
        }
    }
}
