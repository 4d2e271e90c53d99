import CrierTesting
import StrictJSON
import Testing

@testable import Gateway

@Suite struct PublishTests {
    @Test("every form of publishing is answered with the alert, which is held")
    func forms() async throws {
        try await RunningServer.with(.forTests()) { server in
            let forms: [(String, String, [(String, String)], String)] = [
                ("POST", "/a", [], "one"), ("PUT", "/a", [("X-Title", "T")], "two"),
                ("POST", "/", [], #"{"topic":"a","message":"three"}"#),
                ("PUT", "/", [], #"{"topic":"a","message":"four"}"#),
                ("GET", "/a/publish?message=five", [], ""), ("GET", "/a/send?m=six", [], ""),
                ("GET", "/a/trigger", [], ""),
            ]
            var ids: [String] = []
            for (method, target, headers, body) in forms {
                let reply = try await server.request(method, target, headers: headers, body: body)
                #expect(reply.status == 200)
                #expect(reply.header("content-type") == "application/json")
                #expect(reply.header("cache-control") == "no-store")
                let alert = try reply.object()
                #expect(alert.event == "message")
                #expect(alert.string("topic") == "a")
                #expect(alert.int("time_ms").map { $0 / 1000 } == alert.int("time"))
                ids.append(try #require(alert.string("id")))
            }
            let held = try await server.poll("/a/json?poll=1")
            #expect(held.map { $0.string("id") } == ids)
            #expect(ids == ids.sorted())
            #expect(held.map { $0.string("message") } == ["one", "two", "three", "four", "five", "six", "triggered"])
            #expect(held[1].string("title") == "T")
        }
    }

    @Test("the answer is the alert as readers get it, byte for byte")
    func sameBytes() async throws {
        try await RunningServer.with(.forTests()) { server in
            let reply = try await server.request(
                "POST", "/a",
                headers: [
                    ("Title", "=?utf-8?B?R3LDvMOfZQ==?="), ("Priority", "urgent"), ("Tags", "x,y"),
                    ("Click", "https://a.example"),
                ],
                body: "two\nlines")
            let held = try await server.request("GET", "/a/json?poll=1")
            #expect(reply.body == held.body)
            #expect(try reply.object().string("title") == "Grüße")
        }
    }

    @Test("sender and region are the server's, and the same address has the same name")
    func identity() async throws {
        try await RunningServer.with(.forTests()) { server in
            let one = try await server.request(
                "POST", "/", body: #"{"topic":"a","sender":"admin","region":"moon","id":"zzzzzzzzzzzz","time":1}"#
            ).object()
            let two = try await server.raise(
                "a", "x", headers: [("X-Sender", "admin"), ("Fly-Client-IP", "192.0.2.1")])
            #expect(one.string("region") == "syd")
            #expect(one.string("sender")?.hasPrefix("guest-") == true)
            #expect(one.string("sender") == two.string("sender"))
            #expect(one.string("id") != "zzzzzzzzzzzz")
            #expect((one.int("time") ?? 0) > 1_000_000)
            let socket = try await server.duplex()
            try await socket.send(text: #"{"op":"subscribe","topics":["a"]}"#)
            _ = try await socket.ask(
                #"{"op":"publish","ref":"r","topic":"b","message":"x","sender":"admin","region":"moon"}"#)
            let held = try await server.poll("/b/json?poll=1")
            #expect(held.first?.string("sender") == one.string("sender"))
            #expect(held.first?.string("region") == "syd")
            try await socket.leave()
        }
    }

    @Test("a trusted proxy names the address that a sender's name is made of")
    func proxy() async throws {
        try await RunningServer.with(.forTests { $0.trustedProxy = .fly }) { server in
            let one = try await server.raise("a", "x", headers: [("Fly-Client-IP", "2001:db8::1")]).string("sender")
            let same = try await server.raise("a", "x", headers: [("Fly-Client-IP", "2001:db8::2")]).string("sender")
            let other = try await server.raise("a", "x", headers: [("Fly-Client-IP", "192.0.2.1")]).string("sender")
            #expect(one == same)
            #expect(one != other)
        }
        try await RunningServer.with(.forTests { $0.trustedProxy = .forwarded }) { server in
            let one = try await server.raise("a", "x", headers: [("X-Forwarded-For", "spoofed, 192.0.2.1")])
            let same = try await server.raise("a", "x", headers: [("X-Forwarded-For", "192.0.2.1")])
            #expect(one.string("sender") == same.string("sender"))
        }
    }

    @Test("CloudEvents are taken structured, in a batch and binary, and retries of them raise nothing")
    func cloudEvents() async throws {
        try await RunningServer.with(.forTests()) { server in
            let event = #"{"specversion":"1.0","id":"1","source":"/s","type":"t","data":"hello"}"#
            let second = event.replacing(#""id":"1""#, with: #""id":"2""#)
            let structured = [("Content-Type", "application/cloudevents+json")]
            let one = try await server.request("POST", "/a", headers: structured, body: event).object()
            #expect(one["ce"]?.objectValue?.string("source") == "/s")
            let batch = try await server.request(
                "POST", "/a", headers: [("Content-Type", "application/cloudevents-batch+json")],
                body: "[\(event),\(second)]")
            let answers = try #require(try batch.json().arrayValue).compactMap(\.objectValue)
            #expect(answers.map { $0.string("id") }.first == one.string("id"))
            #expect(answers.map { $0["duplicate"]?.boolValue } == [true, nil])
            let binary = try await server.request(
                "POST", "/a",
                headers: [
                    ("ce-specversion", "1.0"), ("ce-id", "1"), ("ce-source", "/s"), ("ce-type", "t"),
                    ("Content-Type", "text/plain"),
                ],
                body: "hello"
            ).object()
            #expect(binary.string("id") == one.string("id"))
            #expect(try await server.poll("/a/json?poll=1").count == 2)
            let bad = try await server.request("POST", "/a", headers: structured, body: "{}")
            #expect(bad.status == 400)
            #expect(bad.code == 40013)
            let empty = try await server.request(
                "POST", "/a", headers: [("Content-Type", "application/cloudevents-batch+json")], body: "[]")
            #expect(try empty.json().arrayValue?.isEmpty == true)
        }
    }

    @Test("an Alertmanager webhook raises each entry once")
    func alertmanager() async throws {
        try await RunningServer.with(.forTests()) { server in
            let body = #"""
                {"version":"4","alerts":[{"status":"firing","labels":{"alertname":"A","severity":"page"},"fingerprint":"1","startsAt":"x"},
                {"status":"firing","labels":{"alertname":"B"},"fingerprint":"2","startsAt":"x"}]}
                """#
            for round in 0..<2 {
                let answers = try await server.request("POST", "/ops/alertmanager", body: body).json().arrayValue ?? []
                #expect(answers.count == 2)
                #expect(answers.allSatisfy { ($0.objectValue?["duplicate"]?.boolValue ?? false) == (round == 1) })
            }
            #expect(try await server.poll("/ops/json?poll=1").map { $0.string("title") } == ["A firing", "B firing"])
        }
    }

    @Test("a key makes a publish repeatable in every form, on its topic")
    func keys() async throws {
        try await RunningServer.with(.forTests()) { server in
            let first = try await server.raise("a", "one", headers: [("Idempotency-Key", "k")])
            #expect(first["duplicate"] == nil)
            let header = try await server.raise("a", "two", headers: [("X-Idempotency-Key", "k")])
            let query = try await server.request("GET", "/a/publish?key=k").object()
            let json = try await server.request("POST", "/", body: #"{"topic":"a","key":"k"}"#).object()
            let event = try await server.request(
                "POST", "/a", headers: [("Content-Type", "application/cloudevents+json"), ("Idempotency-Key", "k")],
                body: #"{"specversion":"1.0","id":"1","source":"/s","type":"t"}"#
            ).object()
            let socket = try await server.duplex()
            let frame = try await socket.ask(#"{"op":"publish","ref":"r","topic":"a","key":"k"}"#)
            try await socket.leave()
            for answer in [header, query, json, event, frame] {
                #expect(answer.string("id") == first.string("id"))
                #expect(answer["duplicate"]?.boolValue == true)
            }
            #expect(try await server.raise("b", "one", headers: [("Idempotency-Key", "k")])["duplicate"] == nil)
            #expect(try await server.poll("/a/json?poll=1").map { $0.string("message") } == ["one"])
        }
    }

    @Test("the same key from many at once raises one alert")
    func concurrentKeys() async throws {
        try await RunningServer.with(.forTests()) { server in
            let ids = try await withThrowingTaskGroup(of: String?.self) { group in
                for index in 0..<40 {
                    group.addTask {
                        try await server.raise("a", "\(index)", headers: [("Idempotency-Key", "k")]).string("id")
                    }
                }
                return try await group.reduce(into: Set<String?>()) { $0.insert($1) }
            }
            #expect(ids.count == 1)
            #expect(try await server.poll("/a/json?poll=1").count == 1)
        }
    }

    @Test("a refusal has ntfy's shape and raises nothing")
    func refusals() async throws {
        try await RunningServer.with(.forTests()) { server in
            let reply = try await server.request("POST", "/a", headers: [("Priority", "9")], body: "x")
            #expect(reply.status == 400)
            #expect(reply.header("content-type") == "application/json")
            let body = try reply.object()
            #expect(body.int("code") == 40002)
            #expect(body.int("http") == 400)
            #expect(body.string("link") == "/errors#40002")
            #expect(body.string("error")?.contains("priority") == true)
            #expect(try await server.request("POST", "/a%20b", body: "x").code == 40003)
            #expect(try await server.poll("/*/json?poll=1").isEmpty)
        }
    }
}
