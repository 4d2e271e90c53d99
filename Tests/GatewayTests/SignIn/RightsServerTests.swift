import CrierTesting
import NIOHTTP1
import StrictJSON
import Testing
import WebSocketTransport

@testable import Gateway

/// What the rights close stays closed, whichever way it is asked for.
@Suite struct RightsServerTests {
    private static let token = [("Authorization", "Bearer s3cret")]

    private static func configuration(publish: String = "", subscribe: String = "") throws -> ServerConfiguration {
        let (publish, subscribe) = (
            try #require(TopicRights.rules(publish)), try #require(TopicRights.rules(subscribe))
        )
        return .forTests {
            $0.publishToken = PublishToken("s3cret")
            $0.publishRules = publish
            $0.subscribeRules = subscribe
        }
    }

    /// Every form of raising an alert on a topic over HTTP.
    private static func publishes(
        _ topic: String
    ) -> [(method: String, target: String, headers: [(String, String)], body: String)] {
        let event = #"{"specversion":"1.0","id":"1","source":"/s","type":"t","data":"x"}"#
        let named = #"{"specversion":"1.0","id":"1","source":"/s","type":"t","topic":"\#(topic)","data":"x"}"#
        let open = #"{"specversion":"1.0","id":"2","source":"/s","type":"t","topic":"open","data":"x"}"#
        let batch = ("Content-Type", "application/cloudevents-batch+json")
        let structured = ("Content-Type", "application/cloudevents+json")
        let binary = [("ce-specversion", "1.0"), ("ce-id", "1"), ("ce-source", "/s"), ("ce-type", "t")]
        let webhook = #"{"version":"4","status":"firing","alerts":[{"status":"firing","labels":{"alertname":"a"}}]}"#
        return [
            ("POST", "/\(topic)", [], "x"), ("PUT", "/\(topic)", [], "x"),
            ("POST", "/\(topic)", [("Delay", "10s")], "x"),
            ("POST", "/\(topic)?delay=10s", [], "x"), ("POST", "/", [], #"{"topic":"\#(topic)","message":"x"}"#),
            ("PUT", "/", [RunningServer.json], #"{"topic":"\#(topic)","message":"x","delay":"10s"}"#),
            ("GET", "/\(topic)/publish?message=x", [], ""), ("GET", "/\(topic)/send?message=x", [], ""),
            ("GET", "/\(topic)/trigger", [], ""), ("POST", "/\(topic)", [structured], event),
            ("POST", "/", [structured], named), ("POST", "/\(topic)", [batch], "[\(event)]"),
            ("POST", "/", [batch], "[\(open),\(named)]"), ("POST", "/\(topic)", binary, "x"),
            ("POST", "/", binary + [("ce-topic", topic)], "x"), ("POST", "/\(topic)/alertmanager", [], webhook),
        ]
    }

    private static func chunked(_ topic: String) -> [UInt8] {
        Array(
            "POST /\(topic) HTTP/1.1\r\nHost: h\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nx\r\n0\r\n\r\n"
                .utf8)
    }

    @Test("nobody publishes on the VMs' own topic, and nobody unknown in a room, in whatever form")
    func closed() async throws {
        try await RunningServer.with(.forTests()) { server in
            let cookie = ("Cookie", try await server.signIn("Ada"))
            for (topic, who, code) in [
                ("_crier", [], 40302), ("_crier", [cookie], 40302), ("_room-syd", [], 40101),
            ] as [(String, [(String, String)], Int)] {
                for (method, target, headers, body) in Self.publishes(topic) {
                    let reply = try await server.request(method, target, headers: headers + who, body: body)
                    #expect(reply.code == code, "\(method) \(target) \(headers) \(who): \(reply.text)")
                }
            }
            #expect(try await server.exchange(Self.chunked("_crier")).code == 40302)
            #expect(try await server.exchange(Self.chunked("_room-syd")).code == 40101)
            let socket = try await server.duplex()
            for (topic, code) in [("_crier", 40302), ("_room-syd", 40101)] {
                for more in ["", #","delay":"10s""#] {
                    let answer = try await socket.ask(#"{"op":"publish","ref":"r","topic":"\#(topic)"\#(more)}"#)
                    #expect(answer.int("code") == code)
                }
            }
            try await socket.leave()
            // Not even the rest of a batch was raised.
            #expect(try await server.poll("/*/json?poll=1&since=all", headers: [cookie]).isEmpty)
            // Each form is one that raises, where it may.
            for (method, target, headers, body) in Self.publishes("open") {
                let reply = try await server.request(method, target, headers: headers, body: body)
                #expect(reply.status == 200, "\(method) \(target) \(headers): \(reply.text)")
            }
        }
    }

    @Test("what is not open to an unknown reader is not read, in whatever form")
    func unreadable() async throws {
        try await RunningServer.with(.forTests()) { server in
            let cookie = try await server.signIn("Ada")
            let duplex = try await server.duplex()
            #expect(try await duplex.ask(#"{"op":"subscribe","ref":"r","topics":["*"]}"#).event == "ack")
            let named = try await server.duplex()
            _ = try await named.ask(#"{"op":"subscribe","ref":"r","topics":["open"]}"#)
            #expect(try await named.ask(#"{"op":"subscribe","ref":"r","topics":["*"],"since":"all"}"#).event == "ack")
            #expect(try await named.ask(#"{"op":"unsubscribe","ref":"r","topics":["open"]}"#).event == "ack")
            let socket = try await server.socket("/*/ws")
            let events = try await server.socket("/*/ws", subprotocols: ["cloudevents.json"])
            var streams: [TestStream] = []
            for form in ["sse", "json", "raw"] { streams.append(try await .open(port: server.port, "/*/\(form)")) }

            try await server.raise("_room-syd", "secret", headers: [("Cookie", cookie)])
            // The VMs tell each other of a session's end, and of who is in a room.
            let room = try await server.duplex(headers: ["Cookie": cookie])
            _ = try await room.ask(#"{"op":"subscribe","ref":"r","topics":["_room-syd"]}"#)
            try await server.signOut(cookie)
            #expect(try await room.nextClose() == .signedOut)
            try await server.raise("open", "plain")

            for socket in [duplex, named, socket] {
                var object = try await socket.nextObject()
                while object.event != "message" { object = try await socket.nextObject() }
                #expect(object.string("message") == "plain")
                try await socket.leave()
            }
            var texts = ""
            while !texts.contains("plain") { texts += try await events.nextText() }
            #expect(!texts.contains("secret") && !texts.contains("session-ended"))
            try await events.leave()
            for stream in streams {
                var lines = ""
                while !lines.contains("plain") { lines += try #require(await stream.nextLine()) }
                #expect(!lines.contains("secret") && !lines.contains("session-ended") && !lines.contains("_crier"))
                await stream.close()
            }
            for query in ["since=all", "since=latest", "since=latest:20", "since=10m", "since=all&priority=3", ""] {
                let polled = try await server.poll("/*/json?poll=1&\(query)")
                #expect(polled.allSatisfy { $0.string("topic") == "open" }, "\(query)")
                #expect(polled.count == 1, "\(query)")
            }
            #expect(try await server.poll("/*/json?poll=1&since=all&message=secret").isEmpty)
            #expect(try await server.poll("/%2A/json?poll=1&since=all").count == 1)
        }
    }

    @Test("a reader that names what it may not read is refused: 401 unknown, 403 known, with the reason")
    func named() async throws {
        try await RunningServer.with(.forTests()) { server in
            let cookie = try await server.signIn("Ada")
            let known: HTTPHeaders = ["Cookie": cookie]
            for (topics, headers, status) in [
                ("_room-syd", [:], 401), ("a,_room-syd", [:], 401), ("%5Froom-syd", [:], 401), ("_crier", [:], 403),
                ("_crier", known, 403), ("a,_crier", known, 403), ("%5fcrier", known, 403),
            ] as [(String, HTTPHeaders, Int)] {
                let fields = headers.map { ($0.name, $0.value) }
                for form in ["sse", "json", "raw", "json?poll=1&since=all"] {
                    let reply = try await server.request("GET", "/\(topics)/\(form)", headers: fields)
                    #expect(reply.status == status, "\(topics) \(form)")
                    #expect(reply.code == (status == 401 ? 40101 : 40302))
                }
                let refusal = try await server.refusal(of: "/\(topics)/ws", headers: headers)
                #expect(refusal?.status == status, "\(topics)")
            }
            let socket = try await server.duplex()
            for (topics, code) in [(#"["_crier"]"#, 40302), (#"["a","_room-syd"]"#, 40101)] {
                let answer = try await socket.ask(#"{"op":"subscribe","ref":"r","topics":\#(topics),"since":"all"}"#)
                #expect(answer.int("code") == code)
            }
            try await socket.leave()
        }
    }

    @Test("the configured rules hold, and say what they ask for")
    func configured() async throws {
        let configuration = try Self.configuration(
            publish: "alarms-*=token, chat=user, never=nobody, *=anyone", subscribe: "alarms-*=user, logs=token")
        try await RunningServer.with(configuration) { server in
            let cookie = [("Cookie", try await server.signIn("Ada"))]
            for (topic, who, code, words) in [
                ("alarms-1", [], 40101, "token is needed"), ("alarms-1", cookie, 40302, "Ada is not allowed"),
                ("alarms-1", Self.token, nil, ""), ("chat", [], 40101, "sign in"), ("chat", cookie, nil, ""),
                ("chat", Self.token, nil, ""), ("never", [], 40302, "nobody may"),
                ("never", Self.token, 40302, "nobody may"),
                ("open", [], nil, ""),
            ] as [(String, [(String, String)], Int?, String)] {
                let reply = try await server.request("POST", "/\(topic)", headers: who, body: "x")
                #expect(reply.code == code, "\(topic) \(who)")
                #expect(reply.text.contains(words), "\(reply.text)")
            }
            try await server.raise("logs", "x", headers: Self.token)
            for (target, who, code) in [
                ("alarms-1", [], 40101), ("alarms-1", cookie, nil), ("logs", [], 40101), ("logs", cookie, 40302),
                ("logs", Self.token, nil), ("open", [], nil),
            ] as [(String, [(String, String)], Int?)] {
                let reply = try await server.request("GET", "/\(target)/json?poll=1&since=all", headers: who)
                #expect((reply.status == 200) == (code == nil), "\(target) \(who)")
                if let code { #expect(reply.code == code, "\(target) \(who)") }
            }
            for (who, topics) in [
                ([], ["chat", "chat", "open"]), (cookie, ["alarms-1", "chat", "chat", "open"]),
                (Self.token, ["alarms-1", "chat", "chat", "open", "logs"]),
            ] {
                let all = try await server.poll("/*/json?poll=1&since=all", headers: who)
                #expect(all.compactMap { $0.string("topic") } == topics, "\(who)")
            }
        }
    }

    @Test("a wrong publish token is refused before anything else of the request counts, at the address's rate")
    func guesses() async throws {
        var configuration = try Self.configuration()
        configuration.hasRateLimits = true
        configuration.addressRate = Rate(perSecond: 1, burst: 10)
        try await RunningServer.with(configuration) { server in
            var codes: [Int?] = []
            for guess in 0..<20 {
                let reply = try await server.request(
                    "POST", "/a", headers: [("Authorization", "Bearer \(guess)")], body: "x")
                codes.append(reply.code)
            }
            #expect(codes.prefix(10).allSatisfy { $0 == 40101 })
            #expect(codes.contains(42901))
        }
    }
}
