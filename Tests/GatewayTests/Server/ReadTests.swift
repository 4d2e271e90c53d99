import CrierTesting
import StrictJSON
import Testing
import WebSocketTransport

@testable import Gateway

@Suite struct ReadTests {
    @Test("a Server-Sent Events stream opens, and carries the alert with its id")
    func eventStream() async throws {
        try await RunningServer.with(.forTests()) { server in
            let stream = try await TestStream.open(port: server.port, "/a/sse")
            #expect(stream.head.contains("Content-Type: text/event-stream; charset=utf-8\r\n"))
            #expect(stream.head.contains("X-Accel-Buffering: no"))
            let open = try #require(try await stream.nextEvent())
            #expect(open.name == "open")
            let data = try #require(try JSONValue.parse(open.data).objectValue)
            #expect(data.string("id") == open.id)
            #expect(data.string("topic") == "a")
            #expect(data.string("vm") == "vm-1")
            #expect(data.string("region") == "syd")
            #expect(data.int("ping") == 15)
            let raised = try await server.raise("a", "two\nlines")
            var event = try #require(try await stream.nextEvent())
            while event.name == "keepalive" { event = try #require(try await stream.nextEvent()) }
            #expect(event.name == nil)
            #expect(event.id == raised.string("id"))
            #expect(try JSONValue.parse(event.data) == .object(raised))
            await stream.close()
        }
    }

    @Test("JSON lines carry every event, plain lines the message on one line")
    func lines() async throws {
        try await RunningServer.with(.forTests()) { server in
            let json = try await TestStream.open(port: server.port, "/a/json")
            let raw = try await TestStream.open(port: server.port, "/a/raw")
            #expect(try await json.nextObject()?.event == "open")
            #expect(try await raw.nextLine() == "")
            let raised = try await server.raise("a", "two\nlines")
            #expect(try await json.nextObject() == raised)
            var line = try await raw.nextLine()
            while line == "" { line = try await raw.nextLine() }
            #expect(line == "two lines")
            await json.close()
            await raw.close()
        }
    }

    @Test("a WebSocket reader gets each event as a frame, and what it sends is ignored")
    func webSocket() async throws {
        try await RunningServer.with(.forTests()) { server in
            let socket = try await server.socket("/a/ws")
            #expect(try await socket.nextObject().event == "open")
            try await socket.send(text: #"{"op":"publish","topic":"a","message":"no"}"#)
            try await socket.send(binary: [1, 2, 3])
            let raised = try await server.raise("a", "yes")
            #expect(try await socket.nextObject() == raised)
            try await socket.close()
            #expect(try await socket.nextClose() == .normal)
        }
    }

    @Test("several topics and all topics, in the log's order")
    func topics() async throws {
        try await RunningServer.with(.forTests()) { server in
            let some = try await TestStream.open(port: server.port, "/a,b/json")
            let all = try await TestStream.open(port: server.port, "/*/json")
            let encoded = try await TestStream.open(port: server.port, "/a%2Cb/json")
            let stars = try await TestStream.open(port: server.port, "/%2A/json")
            let streams = [
                (some, "a,b", ["1", "2", "4"]), (all, "*", ["1", "2", "3", "4"]), (encoded, "a,b", ["1", "2", "4"]),
                (stars, "*", ["1", "2", "3", "4"]),
            ]
            for (stream, topics, _) in streams { #expect(try await stream.nextObject()?.string("topic") == topics) }
            for (topic, text) in [("a", "1"), ("b", "2"), ("c", "3"), ("a", "4")] {
                try await server.raise(topic, text)
            }
            for (stream, topics, texts) in streams {
                for text in texts { #expect(try await stream.nextObject()?.string("message") == text, "\(topics)") }
                await stream.close()
            }
        }
    }

    @Test("since takes an id, a time, a duration and its words")
    func since() async throws {
        try await RunningServer.with(.forTests()) { server in
            var alerts: [JSONObject] = []
            for index in 1...4 { alerts.append(try await server.raise("a", "\(index)")) }
            try await server.raise("b", "other")
            let second = try #require(alerts[1].string("id"))
            let time = try #require(alerts[0].int("time"))
            for (since, texts) in [
                ("all", ["1", "2", "3", "4"]), (second, ["3", "4"]), ("10m", ["1", "2", "3", "4"]),
                ("\(time)", ["1", "2", "3", "4"]),
                ("\(time + 1000)", []), ("latest", ["4"]), ("none", []),
            ] {
                #expect(
                    try await server.poll("/a/json?poll=1&since=\(since)").map { $0.string("message") } == texts,
                    "\(since)")
                #expect(
                    try await server.poll("/a/json?poll=1", headers: [("X-Since", since)]).map { $0.string("message") }
                        == texts, "\(since)")
            }
            let resumed = try await server.poll("/a/json?poll=1", headers: [("Last-Event-ID", second)])
            #expect(resumed.map { $0.string("message") } == ["3", "4"])
        }
    }

    @Test("a poll ends in every form")
    func poll() async throws {
        try await RunningServer.with(.forTests()) { server in
            try await server.raise("a", "one")
            for form in ["json", "sse", "raw"] {
                let reply = try await server.request("GET", "/a/\(form)?poll=1")
                #expect(reply.text.contains("one"))
                #expect(!reply.text.contains("open"))
                #expect(try await server.request("GET", "/none/\(form)?poll=1").body.isEmpty)
            }
            let socket = try await server.socket("/a/ws?poll=1")
            #expect(try await socket.nextObject().string("message") == "one")
            #expect(try await socket.nextClose() == .normal)
        }
    }

    @Test("filters hold for what is replayed and for what is live")
    func filters() async throws {
        try await RunningServer.with(.forTests()) { server in
            let queries = [
                "priority=4,5": ["2"], "tags=x,y": ["2"], "tag=x": ["2", "3"], "title=T": ["3"], "message=1": ["1"],
                "p=3": ["1", "3"],
            ]
            func raiseAll() async throws {
                try await server.raise("a", "1")
                try await server.raise("a", "2", headers: [("Priority", "high"), ("Tags", "x,y,z")])
                try await server.raise("a", "3", headers: [("Title", "T"), ("Tags", "x")])
            }
            try await raiseAll()
            for (query, texts) in queries {
                #expect(
                    try await server.poll("/a/json?poll=1&\(query)").map { $0.string("message") } == texts, "\(query)")
            }
            var streams: [(TestStream, [String])] = []
            for (query, texts) in queries {
                let stream = try await TestStream.open(port: server.port, "/a/json?\(query)")
                #expect(try await stream.nextObject()?.event == "open")
                streams.append((stream, texts))
            }
            try await raiseAll()
            for (stream, texts) in streams {
                for text in texts { #expect(try await stream.nextObject()?.string("message") == text) }
                await stream.close()
            }
        }
    }

    @Test("with the CloudEvents subprotocol each alert is one CloudEvent, and nothing else comes")
    func cloudEvents() async throws {
        try await RunningServer.with(.forTests()) { server in
            let event =
                #"{"specversion":"1.0","id":"e-1","source":"/s","type":"t","subject":"sub","ext":7,"data":{"n":1}}"#
            _ = try await server.request(
                "POST", "/a", headers: [("Content-Type", "application/cloudevents+json")], body: event)
            let socket = try await server.socket("/a/ws?since=all", subprotocols: ["other", "cloudevents.json"])
            #expect(socket.subprotocol == "cloudevents.json")
            let first = try #require(try JSONValue.parse(try await socket.nextText()).objectValue)
            #expect(first.string("specversion") == "1.0")
            #expect(first.string("id") == "e-1")
            #expect(first.string("source") == "/s")
            #expect(first.int("ext") == 7)
            #expect(first["data"]?.description == #"{"n":1}"#)
            let raised = try await server.raise("a", "plain")
            let second = try #require(try JSONValue.parse(try await socket.nextText()).objectValue)
            #expect(second.string("id") == raised.string("id"))
            #expect(second.string("crierid") == raised.string("id"))
            #expect(second.string("criertopic") == "a")
            #expect(second.string("type") == "crier.alert")
            #expect(second.string("data") == "plain")
            #expect(second.string("criersender") == raised.string("sender"))
            try await socket.leave()
        }
    }

    @Test("a reading request that asks for nonsense is refused before it streams")
    func refusals() async throws {
        try await RunningServer.with(.forTests { $0.maximumTopics = 2 }) { server in
            for (target, status, number) in [
                ("/a/sse?since=soon", 400, 40005), ("/a/json?priority=9", 400, 40006), ("/a%20b/raw", 400, 40003),
                ("/a,b,c/sse", 400, 40015),
                ("//sse", 400, 40003), ("/v1/sse", 400, 40004), ("/a/json?sched=1", 400, 40012), ("/a/ws", 426, 42601),
                ("/ws", 426, 42601),
            ] {
                let reply = try await server.request("GET", target)
                #expect(reply.status == status, "\(target)")
                #expect(reply.code == number, "\(target)")
            }
            #expect(try await server.refusal(of: "/a/ws?since=soon")?.code == 40005)
            try await server.awaitSockets(0)
        }
    }

    @Test("an alert that has expired is not replayed")
    func expired() async throws {
        try await RunningServer.with(.forTests()) { server in
            let raised = try await server.raise("a", "short", headers: [("Expires", "1s")])
            let expires = try #require(raised.int("expires"))
            try await server.raise("a", "long", headers: [("Expires", "1h")])
            try await eventually("its time") {
                try #require(try await server.raise("clock", "tick").int("time")) > expires
            }
            #expect(try await server.poll("/a/json?poll=1").map { $0.string("message") } == ["long"])
        }
    }
}
