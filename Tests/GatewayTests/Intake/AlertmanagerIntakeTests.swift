import MessageBus
import StrictJSON
import Testing

@testable import Gateway

@Suite struct AlertmanagerIntakeTests {
    private func read(_ alerts: String, version: String = "4", topic: String = "ops") throws -> [AlertRequest] {
        let body = #"{"version":"\#(version)","status":"firing","receiver":"crier","alerts":\#(alerts)}"#
        return try AlertmanagerIntake(PublishIntake()).read(input(topic: topic, body: body)).requests
    }

    private func entry(
        status: String = "firing", labels: String = #""alertname":"Down","severity":"critical""#,
        annotations: String = #""summary":"db is down","description":"for 5 minutes""#,
        endsAt: String = "0001-01-01T00:00:00Z",
        startsAt: String = "2026-01-01T00:00:00Z"
    ) -> String {
        """
        {"status":"\(status)","labels":{\(labels)},"annotations":{\(annotations)},"startsAt":"\(startsAt)",\
        "endsAt":"\(endsAt)","generatorURL":"https://prom.example/graph","fingerprint":"abc123"}
        """
    }

    @Test("a firing entry becomes an alert of its severity's priority")
    func firing() throws {
        let requests = try read("[\(entry())]")
        let content = try #require(requests.first?.content)
        #expect(requests.map(\.topic.name) == ["ops"])
        #expect(content.title == "Down firing")
        #expect(content.message == "db is down\nfor 5 minutes")
        #expect(content.priority == .max)
        #expect(content.tags == ["firing", "critical"])
        #expect(content.click == "https://prom.example/graph")
        #expect(content.data?.objectValue?["fingerprint"]?.stringValue == "abc123")
    }

    @Test("a resolved entry has the normal priority")
    func resolved() throws {
        let content = try #require(try read("[\(entry(status: "resolved"))]").first?.content)
        #expect(content.title == "Down resolved")
        #expect(content.priority == .normal)
        #expect(content.tags == ["resolved", "critical"])
    }

    @Test(
        "the severity sets the priority",
        arguments: [
            ("critical", 5), ("page", 5), ("emergency", 5), ("error", 4), ("high", 4), ("warning", 3), ("", 3),
            ("info", 2),
            ("CRITICAL", 5), ("none", 2), ("whatever", 3),
        ])
    func severity(name: String, priority: Int) throws {
        let labels = #""alertname":"A","severity":"\#(name)""#
        #expect(try read("[\(entry(labels: labels))]").first?.content.priority?.rawValue == priority)
    }

    @Test("a repeat has the same key, another state or start has another")
    func keys() throws {
        func key(_ entry: String) throws -> String? { try read("[\(entry)]").first?.key }
        let first = try key(entry())
        #expect(try key(entry()) == first)
        // Alertmanager moves endsAt of a firing alert on with every evaluation.
        #expect(try key(entry(endsAt: "2026-01-01T00:10:00Z")) == first)
        #expect(try key(entry(annotations: #""summary":"now 6 minutes""#)) == first)
        #expect(try key(entry(status: "resolved")) != first)
        #expect(try key(entry(startsAt: "2026-01-02T00:00:00Z")) != first)
        let resolved = try key(entry(status: "resolved", endsAt: "2026-01-01T00:10:00Z"))
        #expect(try key(entry(status: "resolved", endsAt: "2026-01-01T00:20:00Z")) != resolved)
    }

    @Test("without texts the labels are the message, and without a name it is an alert")
    func bare() throws {
        let content = try #require(
            try read(#"[{"labels":{"job":"x","zone":"b"}}]"#).first?.content)
        #expect(content.title == "alert firing")
        #expect(content.message == "job=x zone=b")
        #expect(content.click == nil)
    }

    @Test("long texts are cut to their limits and not refused")
    func cut() throws {
        let long = String(repeating: "é👩‍👩‍👧", count: 2000)
        let labels = #""alertname":"\#(long)","severity":"\#(long)""#
        let content = try #require(
            try read("[\(entry(labels: labels, annotations: #""summary":"\#(long)""#))]").first?.content)
        #expect((4000...4096).contains(content.message.utf8.count))
        #expect((200...256).contains(content.title?.utf8.count ?? 0))
        #expect(content.tags.allSatisfy { $0.utf8.count <= 64 })
        #expect(long.hasPrefix(content.message))
    }

    @Test("a text that is one long character is cut as well")
    func oneCharacter() throws {
        let long = "e" + String(repeating: "\u{301}", count: 4000)
        let labels = #""alertname":"\#(long)","severity":"\#(long)""#
        let content = try #require(
            try read("[\(entry(labels: labels, annotations: #""summary":"\#(long)""#))]").first?.content)
        #expect(content.message.isEmpty)
        #expect(content.title == "")
        #expect(content.tags == ["firing"])
    }

    @Test(
        "a link that no link may be is left out",
        arguments: ["javascript:x", "https://a b", "https://\(String(repeating: "x", count: 2048))"])
    func links(url: String) throws {
        #expect(try read(#"[{"labels":{},"generatorURL":"\#(url)"}]"#).first?.content.click == nil)
    }

    @Test("Grafana's version is taken too, others are refused")
    func versions() throws {
        #expect(try read("[\(entry())]", version: "1").count == 1)
        #expect(code { _ = try read("[\(entry())]", version: "3") } == 40014)
        let body = #"{"version":4,"alerts":[]}"#
        #expect(
            code { _ = try AlertmanagerIntake(PublishIntake()).read(input(body: body)) } == 40014)
    }

    @Test("no entries raise nothing")
    func empty() throws {
        #expect(try read("[]").isEmpty)
    }

    @Test(
        "what is no webhook is refused",
        arguments: [
            ("{}", 40014), (#"{"alerts":{}}"#, 40014), (#"{"alerts":[1]}"#, 40014), (#"{"alerts":[{}]}"#, 40014),
            (#"{"alerts":[{"labels":[]}]}"#, 40014), ("[]", 40001), ("", 40001), ("{", 40001),
        ])
    func bad(body: String, number: Int) {
        #expect(code { _ = try AlertmanagerIntake(PublishIntake()).read(input(body: body)) } == number)
    }

    @Test("a webhook has at most 100 entries")
    func many() throws {
        func entries(_ count: Int) -> String {
            "[" + Array(repeating: #"{"labels":{}}"#, count: count).joined(separator: ",") + "]"
        }
        #expect(try read(entries(100)).count == 100)
        #expect(code { _ = try read(entries(101)) } == 40018)
    }

    @Test("a reserved topic is refused")
    func topic() {
        #expect(code { _ = try read("[]", topic: "metrics") } == 40004)
    }
}
