import CrierTesting
import MessageBus
import NIOHTTP1
import Testing

@testable import Gateway

/// Two gateways on one bus: what each way into one of them does with requests that name a VM. One test after the other: together they are many servers.
@Suite(.serialized) struct AffinityServerTests {
    private static let own = "1a2b3c4d5e6f7a"
    private static let other = "9f8e7d6c5b4a39"
    private static let gone = "00000000000000"
    private static let toOther = "fly_instance_id=\(other)"
    private static let set = "crier_vm=\(own); Path=/; Max-Age=86400; SameSite=Lax; HttpOnly"
    private static let reset = "crier_vm=; Path=/; Max-Age=0; SameSite=Lax; HttpOnly"

    /// The VM `own`, in `syd`.
    private static func vm(_ change: (inout ServerConfiguration) -> Void = { _ in }) -> ServerConfiguration {
        vm(own, "syd", change)
    }

    private static func vm(
        _ id: String, _ region: String, _ change: (inout ServerConfiguration) -> Void = { _ in }
    ) -> ServerConfiguration {
        .forTests {
            $0.vm = VMIdentity(id: id, region: region, boot: "boot-\(id)") ?? $0.vm
            $0.affinity.isOn = true
            change(&$0)
        }
    }

    /// Runs a VM beside `other`, which is in `ams`, and waits until it knows of it.
    private static func with(
        _ configuration: ServerConfiguration = vm(),
        _ body: @escaping @Sendable (_ server: RunningServer, _ other: RunningServer) async throws -> Void
    ) async throws {
        let bus = InProcessBus(retention: Retention())
        let shared: @Sendable (InProcessBus) -> any MessageBus = { _ in bus }
        try await RunningServer.with(vm(other, "ams"), through: shared) { other in
            try await RunningServer.with(configuration, through: shared) { server in
                if configuration.affinity.isOn { try await server.awaitReplay(Self.toOther) }
                try await body(server, other)
            }
        }
    }

    private static let upgrade = [
        "Connection: Upgrade", "Upgrade: websocket", "Sec-WebSocket-Version: 13",
        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
    ]

    /// So many lines that the event loops leave the head to the framework's parser.
    private static let manyHeaders = (0..<70).map { "X-\($0): y" }

    private static func request(_ line: String, _ headers: [String] = [], _ body: String = "") -> [UInt8] {
        Array((["\(line)", "Host: h"] + headers).joined(separator: "\r\n").utf8) + Array("\r\n\r\n\(body)".utf8)
    }

    /// One request of every kind, all with the same query.
    static func requests(_ query: String, _ headers: [String] = []) -> [(name: String, bytes: [UInt8])] {
        let chunks = String(repeating: "3e8\r\n\(String(repeating: "x", count: 1000))\r\n", count: 3) + "0\r\n\r\n"
        let text = String(repeating: "x", count: 3000)
        let length = "Content-Length: 3000"
        return [
            ("the page", request("GET /?\(query) HTTP/1.1", headers)),
            ("a file", request("GET /crier.js?\(query) HTTP/1.1", headers)),
            ("HEAD", request("HEAD /?\(query) HTTP/1.1", headers)),
            ("a preflight", request("OPTIONS /a?\(query) HTTP/1.1", headers)),
            ("a method of nobody", request("DELETE /a?\(query) HTTP/1.1", headers)),
            ("the VMs", request("GET /v1/vms?\(query) HTTP/1.1", headers)),
            ("events", request("GET /a/sse?poll=1&\(query) HTTP/1.1", headers)),
            ("lines", request("GET /a/json?\(query)&poll=1 HTTP/1.1", headers)),
            ("raw lines, HTTP/1.0", request("GET /a/raw?poll=1&\(query) HTTP/1.0", headers)),
            ("events by the framework", request("GET /a/sse?poll=1&\(query) HTTP/1.1", headers + manyHeaders)),
            ("a refused reader", request("GET /a/json?since=x&\(query) HTTP/1.1", headers)),
            ("publishing", request("POST /a?\(query) HTTP/1.1", headers + [length], text)),
            ("publishing by PUT", request("PUT /a?\(query) HTTP/1.1", headers + [length], text)),
            ("a refused alert", request("POST /a?priority=9&\(query) HTTP/1.1", headers + [length], text)),
            (
                "publishing in chunks",
                request("POST /a?\(query) HTTP/1.1", headers + ["Transfer-Encoding: chunked"], chunks)
            ),
            ("publishing, HTTP/1.0", request("POST /a?\(query) HTTP/1.0", headers + [length], text)),
            ("publishing by GET", request("GET /a/publish?message=m&\(query) HTTP/1.1", headers)),
            ("a webhook", request("POST /a/alertmanager?\(query) HTTP/1.1", headers + [length], text)),
        ]
    }

    static let sockets: [(name: String, bytes: [UInt8])] = [
        ("the duplex socket", request("GET /ws?\(toOther) HTTP/1.1", upgrade)),
        ("a topic's socket", request("GET /a/ws?\(toOther) HTTP/1.1", upgrade)),
        ("a socket by the framework", request("GET /ws?\(toOther) HTTP/1.1", upgrade + manyHeaders)),
        ("frames behind the handshake", request("GET /ws?\(toOther) HTTP/1.1", upgrade, "\u{1}\u{2}xx")),
    ]

    private static func expectReplay(_ reply: HTTPReply, _ name: String, _ field: String = "prefer_instance=\(other)") {
        #expect(reply.status == 307, "\(name): \(reply.text)")
        #expect(
            reply.headers.map { "\($0.name): \($0.value)" } == [
                "fly-replay: \(field)", "content-length: 0", "connection: close", "cache-control: no-store",
            ], "\(name)")
        #expect(reply.body.isEmpty, "\(name)")
    }

    @Test("a request that names the other VM is sent there, whatever it is and whichever way it takes")
    func replayed() async throws {
        try await Self.with { server, other in
            for (name, bytes) in Self.requests(Self.toOther) + Self.sockets {
                Self.expectReplay(try await server.exchange(bytes, toHead: name == "HEAD"), name)
            }
            // Nothing of that was done here, and the server goes on.
            #expect(try await server.poll("/a/json?poll=1&since=all").isEmpty)
            #expect(try await server.sockets() == 0)
            try await server.stillWorks()
            try await other.stillWorks()
        }
    }

    @Test("region, path and cookie send a request on too")
    func otherTargets() async throws {
        try await Self.with { server, _ in
            let cookie = ["Cookie: a=b; crier_vm=\(Self.other)"]
            for (name, bytes) in Self.requests("region=ams") {
                Self.expectReplay(
                    try await server.exchange(bytes, toHead: name == "HEAD"), name, "region=ams;fallback=prefer_self")
            }
            for (name, bytes) in Self.requests("x=y", cookie) {
                Self.expectReplay(try await server.exchange(bytes, toHead: name == "HEAD"), name)
            }
            for (path, field) in [
                ("/rooms/ams", "region=ams;fallback=prefer_self"), ("/rooms/ams/x", "region=ams;fallback=prefer_self"),
                ("/rooms/vm/\(Self.other)", "prefer_instance=\(Self.other)"),
            ] {
                for method in ["GET", "POST"] {
                    let reply = try await server.exchange(Self.request("\(method) \(path) HTTP/1.1"))
                    Self.expectReplay(reply, path, field)
                }
            }
        }
    }

    @Test("the field and the status are as configured, and a 101 upgrades nothing")
    func configured() async throws {
        try await Self.with(
            Self.vm {
                $0.affinity.status = 101
                $0.affinity.replay = .instance
            }
        ) { server, _ in
            for (name, bytes) in Self.requests(Self.toOther) + Self.sockets {
                let reply = try await server.exchange(bytes)
                #expect(reply.status == 101, "\(name)")
                #expect(
                    reply.headers.map { "\($0.name): \($0.value)" } == [
                        "fly-replay: instance=\(Self.other);fallback=prefer_self", "content-length: 0",
                        "connection: close",
                        "cache-control: no-store",
                    ], "\(name)")
            }
        }
    }

    @Test("the body of a request that is sent on is not waited for, and one that comes does no harm")
    func bodies() async throws {
        try await Self.with { server, _ in
            let heads = [
                Self.request("POST /a?\(Self.toOther) HTTP/1.1", ["Content-Length: 60000"]),
                Self.request("POST /a?\(Self.toOther) HTTP/1.1", ["Content-Length: 60000", "Expect: 100-continue"]),
                Self.request("POST /a?\(Self.toOther) HTTP/1.1", ["Transfer-Encoding: chunked"]),
                Self.request("POST /a?\(Self.toOther) HTTP/1.1", ["Content-Length: 900000"]),
            ]
            for head in heads {
                let connection = try await RawConnection.connect(port: server.port)
                try await connection.send(head)
                var rest = try await connection.readToEnd()[...]
                Self.expectReplay(try #require(HTTPReply(reading: &rest)), "before the body")
                #expect(rest.isEmpty)
                try await connection.close()
            }
            let body = String(repeating: "x", count: 60_000)
            let whole = Self.request("POST /a?\(Self.toOther) HTTP/1.1", ["Content-Length: 60000"], body)
            Self.expectReplay(try await server.exchange(whole), "with its body")
            let broken = Self.request(
                "POST /a?\(Self.toOther) HTTP/1.1", ["Transfer-Encoding: chunked"], "no chunk\r\n\r\n")
            Self.expectReplay(try await server.exchange(broken), "with a body that is none")
            #expect(try await server.poll("/a/json?poll=1&since=all").isEmpty)
        }
    }

    @Test(
        "requests before it are answered first, and none behind it is",
        arguments: [
            [request("POST /a HTTP/1.1", ["Content-Length: 1"], "1")], [request("GET /health HTTP/1.1")],
            [request("POST /a HTTP/1.1", ["Content-Length: 1"], "1"), request("GET /v1/vms HTTP/1.1")],
            [request("POST /a HTTP/1.1", ["Transfer-Encoding: chunked"], "1\r\n1\r\n0\r\n\r\n")],
            [request("GET /v1/vms HTTP/1.1"), request("GET /health HTTP/1.1"), request("GET /v1/vms HTTP/1.1")],
        ])
    func pipelined(_ earlier: [[UInt8]]) async throws {
        try await Self.with { server, _ in
            let behind = Self.request("POST /b HTTP/1.1", ["Content-Length: 1"], "2")
            for (name, bytes) in Self.requests(Self.toOther) where name != "HEAD" {
                let connection = try await RawConnection.connect(port: server.port)
                try await connection.send(earlier.flatMap { $0 } + bytes + behind)
                var rest = try await connection.readToEnd()[...]
                for _ in earlier { #expect(HTTPReply(reading: &rest)?.status == 200, "\(name)") }
                Self.expectReplay(try #require(HTTPReply(reading: &rest), "\(name)"), name)
                #expect(rest.isEmpty, "\(name)")
                try await connection.close()
            }
            #expect(try await server.poll("/b/json?poll=1&since=all").isEmpty)
        }
    }

    @Test("a client that ends its side behind requests that the framework answers gets all answers")
    func halfClosed() async throws {
        try await Self.with { server, _ in
            let connection = try await RawConnection.connect(port: server.port)
            try await connection.send(
                Self.request("GET /v1/vms HTTP/1.1") + Self.request("GET /?\(Self.toOther) HTTP/1.1"))
            try await connection.closeOutput()
            var rest = try await connection.readToEnd()[...]
            #expect(HTTPReply(reading: &rest)?.status == 200)
            Self.expectReplay(try #require(HTTPReply(reading: &rest)), "behind another")
            try await connection.close()
        }
    }

    /// The cookies that an answer sets.
    private static func cookies(_ reply: HTTPReply) -> [String] {
        reply.headers.filter { $0.name == "set-cookie" }.map(\.value)
    }

    private static let last = ["Connection: close"]

    @Test("every answer to a request that names this VM by its id sets the cookie, and is for no cache")
    func cookieSet() async throws {
        try await Self.with { server, _ in
            for (name, bytes) in Self.requests("fly_instance_id=\(Self.own)", Self.last) {
                let reply = try await server.exchange(bytes, toHead: name == "HEAD")
                #expect(reply.status != 307, "\(name)")
                #expect(Self.cookies(reply) == [Self.set], "\(name): \(reply.status)")
                #expect(reply.header("cache-control")?.hasPrefix("no-store") == true, "\(name)")
            }
            for path in ["/ws", "/a/ws"] {
                let socket = try await server.socket("\(path)?fly_instance_id=\(Self.own)")
                #expect(socket.headers["set-cookie"] == [Self.set])
                #expect(try await socket.nextObject().event == "open")
                try await socket.leave()
            }
            let refusal = try await server.refusal(
                of: "/ws?fly_instance_id=\(Self.own)", headers: ["Origin": "https://evil.example"])
            #expect(refusal?.headers["set-cookie"] == [Self.set])
        }
    }

    @Test("no other request that is right here changes a cookie")
    func cookieKept() async throws {
        try await Self.with { server, _ in
            let cookie = Self.last + ["Cookie: crier_vm=\(Self.own)"]
            for (name, bytes) in Self.requests("x=y", cookie) + Self.requests("region=syd", Self.last)
                + Self.requests("fly_instance_id=X;app=y", cookie)
                + [("a room", Self.request("GET /rooms/syd HTTP/1.1", Self.last))]
            {
                let reply = try await server.exchange(bytes, toHead: name == "HEAD")
                #expect(reply.status != 307 && Self.cookies(reply).isEmpty, "\(name)")
            }
            let socket = try await server.socket(headers: ["Cookie": "crier_vm=\(Self.own)"])
            #expect(socket.headers["set-cookie"] == [])
            try await socket.leave()
        }
    }

    @Test("a cookie that names a VM that is gone is reset with every answer")
    func cookieReset() async throws {
        try await Self.with { server, _ in
            for (name, bytes) in Self.requests("x=y", Self.last + ["Cookie: crier_vm=\(Self.gone)"]) {
                let reply = try await server.exchange(bytes, toHead: name == "HEAD")
                #expect(Self.cookies(reply) == [Self.reset], "\(name): \(reply.status)")
            }
            for path in ["/ws", "/a/ws"] {
                let socket = try await server.socket(path, headers: ["Cookie": "crier_vm=\(Self.gone)"])
                #expect(socket.headers["set-cookie"] == [Self.reset])
                try await socket.leave()
            }
        }
    }

    @Test(
        "a request that was replayed in vain is served and loses its cookie",
        arguments: [
            "fly-replay-src: instance=\(own);region=syd;t=1;state=",
            "Fly-Replay-Failed: instance=\(other);reason=timeout",
            "fly-preferred-instance-unavailable: \(other)", "fly-replay-src:",
        ])
    func guarded(_ header: String) async throws {
        try await Self.with { server, _ in
            for query in [Self.toOther, "region=ams", "x=y"] {
                let headers = Self.last + [header, "Cookie: crier_vm=\(Self.other)"]
                for (name, bytes) in Self.requests(query, headers) {
                    let reply = try await server.exchange(bytes, toHead: name == "HEAD")
                    #expect(reply.status != 307, "\(name)")
                    #expect(Self.cookies(reply) == [Self.reset], "\(name): \(reply.status)")
                }
            }
            for (name, bytes) in Self.requests(Self.toOther, Self.last + [header]) {
                let reply = try await server.exchange(bytes, toHead: name == "HEAD")
                #expect(reply.status != 307 && Self.cookies(reply).isEmpty, "\(name)")
            }
        }
    }

    @Test("of requests on one connection each answer has its own cookie")
    func cookiePerAnswer() async throws {
        try await Self.with { server, _ in
            for target in ["GET /v1/vms", "POST /a"] {
                let plain = Self.request("\(target) HTTP/1.1", ["Content-Length: 0"])
                let named = Self.request("\(target)?fly_instance_id=\(Self.own) HTTP/1.1", ["Content-Length: 0"])
                let end = Self.request("\(target) HTTP/1.1", ["Content-Length: 0", "Connection: close"])
                let connection = try await RawConnection.connect(port: server.port)
                try await connection.send(plain + named + plain + named + named + end)
                var rest = try await connection.readToEnd()[...]
                let replies = (0..<6).compactMap { _ in HTTPReply(reading: &rest) }
                #expect(replies.map(\.status) == [200, 200, 200, 200, 200, 200])
                #expect(replies.map(Self.cookies) == [[], [Self.set], [], [Self.set], [Self.set], []], "\(target)")
                try await connection.close()
            }
        }
    }

    @Test("the cookie is for HTTPS only where the trusted proxy says so")
    func secure() async throws {
        let query = "fly_instance_id=\(Self.own)"
        for (proxy, headers, isSecure) in [
            (ServerConfiguration.TrustedProxy.fly, ["X-Forwarded-Proto: https"], true),
            (.forwarded, ["x-forwarded-proto: http, HTTPS"], true), (.none, ["X-Forwarded-Proto: https"], false),
            (.fly, ["X-Forwarded-Proto: http"], false),
            (.fly, ["X-Forwarded-Proto: https", "X-Forwarded-Proto: http"], false),
            (.fly, [], false),
        ] {
            try await Self.with(Self.vm { $0.trustedProxy = proxy }) { server, _ in
                for target in ["GET /v1/vms", "POST /a", "GET /a/json"] {
                    let reply = try await server.exchange(
                        Self.request("\(target)?\(query)&poll=1 HTTP/1.1", headers + Self.last + ["Content-Length: 0"]))
                    #expect(Self.cookies(reply) == [isSecure ? Self.set + "; Secure" : Self.set])
                }
            }
        }
    }

    @Test("what the platform asks of a VM is its own to answer, whatever else the request says")
    func ownPaths() async throws {
        try await Self.with(Self.vm { $0.affinity.isStrict = true }) { server, _ in
            for path in ["/health", "/ready", "/metrics", "/v1/health"] {
                for (query, cookie) in [
                    (Self.toOther, Self.other), ("region=fra", Self.gone), ("fly_instance_id=\(Self.own)", Self.own),
                ] {
                    let reply = try await server.request(
                        "GET", "\(path)?\(query)", headers: [("Cookie", "crier_vm=\(cookie)")])
                    #expect(reply.status == 200 && Self.cookies(reply).isEmpty, "\(path)")
                }
            }
            #expect(try await server.request("HEAD", "/health?\(Self.toOther)").status == 200)
        }
    }

    @Test("strictly, a VM or region that is not there is refused, and a cookie that names it reset")
    func strict() async throws {
        try await Self.with(Self.vm { $0.affinity.isStrict = true }) { server, _ in
            for (name, bytes) in Self.requests("fly_instance_id=\(Self.gone)") + Self.requests("region=fra")
            where name != "HEAD" {
                let reply = try await server.exchange(bytes)
                #expect(reply.status == 404 && reply.code == 40402, "\(name)")
                #expect(reply.header("connection") == "close" && Self.cookies(reply).isEmpty, "\(name)")
            }
            for (name, bytes) in Self.requests("x=y", ["Cookie: crier_vm=\(Self.gone)"]) where name != "HEAD" {
                let reply = try await server.exchange(bytes)
                #expect(reply.code == 40402 && Self.cookies(reply) == [Self.reset], "\(name)")
            }
            let refusal = try await server.refusal(of: "/ws?fly_instance_id=\(Self.gone)")
            #expect(refusal?.status == 404 && refusal?.code == 40402)
            Self.expectReplay(try await server.exchange(Self.request("GET /?\(Self.toOther) HTTP/1.1")), "alive")
        }
    }

    @Test("off, requests are not looked at")
    func off() async throws {
        try await Self.with(
            Self.vm {
                $0.affinity.isOn = false
                $0.affinity.isStrict = true
            }
        ) { server, _ in
            for query in [Self.toOther, "region=ams", "fly_instance_id=\(Self.gone)", "fly_instance_id=\(Self.own)"] {
                for (name, bytes) in Self.requests(query, Self.last + ["Cookie: crier_vm=\(Self.other)"]) {
                    let reply = try await server.exchange(bytes, toHead: name == "HEAD")
                    #expect(reply.status != 307 && reply.code != 40402, "\(name)")
                    #expect(Self.cookies(reply).isEmpty && reply.header("fly-replay") == nil, "\(name)")
                }
            }
            let socket = try await server.socket("/ws?\(Self.toOther)", headers: ["Cookie": "crier_vm=\(Self.other)"])
            #expect(socket.headers["set-cookie"] == [])
            try await socket.leave()
            #expect(try await !server.request("GET", "/metrics").text.contains("crier_affinity_total{"))
        }
    }

    @Test("nothing of a request's values gets into a header")
    func injection() async throws {
        try await Self.with { server, _ in
            for value in AffinityTargetTests.oddVMs { try await Self.inject(value, into: server) }
        }
    }

    private static func inject(_ value: String, into server: RunningServer) async throws {
        // Up to its `;` a cookie is one, of a VM that is not there.
        let changes = value.contains(";") ? [reset] : []
        let breaksLine = value.contains { $0.isNewline || $0 == "\0" }
        let cookie = breaksLine ? [] : ["Cookie: crier_vm=\(value)"]
        for headers in [last, last + manyHeaders] {
            for target in ["/v1/vms?fly_instance_id=\(value)", "/rooms/vm/\(value)", "/a/json?poll=1&region=\(value)"] {
                let reply = try await server.exchange(request("GET \(target) HTTP/1.1", headers + cookie))
                #expect(reply.header("fly-replay") == nil && (200..<600).contains(reply.status))
                #expect(cookies(reply) == changes || reply.status == 400 && cookies(reply).isEmpty)
                #expect(!breaksLine || (400...404).contains(reply.status))
            }
        }
    }

    @Test("decisions are counted")
    func metrics() async throws {
        try await Self.with { server, _ in
            func count(_ decision: String) async throws -> Int {
                let prefix = "crier_affinity_total{decision=\"\(decision)\"} "
                let lines = try await server.request("GET", "/metrics").text.split(separator: "\n")
                return lines.first { $0.hasPrefix(prefix) }.flatMap { Int($0.dropFirst(prefix.count)) } ?? 0
            }
            let replayed = try await count("replayed")
            for target in [
                "/a/json?poll=1", "/v1/vms?\(Self.toOther)", "/a/json?poll=1&\(Self.toOther)", "/v1/vms?region=fra",
                "/a/json?poll=1&region=syd", "/v1/vms?region=syd", "/rooms/syd",
            ] {
                _ = try await server.request("GET", target)
            }
            #expect(try await count("replayed") == replayed + 2)
            #expect(try await count("fell_back") == 1)
            #expect(try await count("served") == 3)
            #expect(try await count("unknown") == 0)
            #expect(try await server.request("GET", "/metrics").text.contains("# HELP crier_affinity_total "))
        }
    }

    @Test("a VM that has left is not sent requests any more")
    func left() async throws {
        try await Self.with { server, other in
            other.leave()
            try await other.end()
            try await eventually("the fleet of one") {
                try await server.request("GET", "/v1/vms?\(Self.toOther)").status == 200
            }
            #expect(try await server.request("GET", "/v1/vms?region=ams").status == 200)
        }
    }
}

extension RunningServer {
    /// Waits until the server knows the VM that the query names.
    fileprivate func awaitReplay(_ query: String) async throws {
        try await eventually("a fleet with \(query)") {
            try await request("GET", "/v1/vms?\(query)").header("fly-replay") != nil
        }
    }
}
