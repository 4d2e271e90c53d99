import MessageBus
import StrictJSON
import Testing

@testable import Gateway

@Suite struct CloudEventIntakeTests {
    private static let structured = ("content-type", "application/cloudevents+json; charset=utf-8")
    private static let batched = ("content-type", "application/cloudevents-batch+json")

    private func event(_ members: String = "", topic: String? = "a", headers: [(String, String)] = []) throws
        -> AlertRequest
    {
        let required = #""specversion":"1.0","id":"1","source":"/s","type":"t""#
        return try read(
            input(
                topic: topic, headers: [Self.structured] + headers,
                body: "{\(required)\(members.isEmpty ? "" : ",")\(members)}"))
    }

    private func binary(_ headers: [(String, String)], body: String = "") throws -> AlertRequest {
        try read(
            input(
                headers: [("ce-specversion", "1.0"), ("ce-id", "1"), ("ce-source", "/s"), ("ce-type", "t")] + headers,
                body: body))
    }

    @Test("text data is the message, and the attributes are kept without specversion")
    func text() throws {
        let request = try event(#""datacontenttype":"text/plain","subject":"s","data":"hello","n":7,"b":true"#)
        #expect(request.content.message == "hello")
        #expect(request.content.data == nil)
        #expect(
            request.content.cloudEvent.map { JSONValue.object($0).description }
                == #"{"id":"1","source":"/s","type":"t","datacontenttype":"text/plain","subject":"s","n":7,"b":true}"#)
    }

    @Test(
        "JSON data is kept, and the message is its own, else the subject, else the type",
        arguments: [
            (#""data":{"message":"m","title":"T"},"subject":"s""#, "m"), (#""data":{"x":1},"subject":"s""#, "s"),
            (#""data":[1]"#, "t"), (#""data":null"#, "t"), ("", "t"), (#""data":{"message":5}"#, "t"),
        ])
    func message(members: String, message: String) throws {
        #expect(try event(members).content.message == message)
    }

    @Test("a title in JSON data keeps the title's limit in bytes")
    func title() throws {
        #expect(try event(#""data":{"title":"T"}"#).content.title == "T")
        let long = "e" + String(repeating: "\u{301}", count: 1000)
        let title = try event(#""data":{"title":"\#(long) and more"}"#).content.title
        #expect((title?.utf8.count ?? 0) <= 256)
    }

    @Test(
        "an attribute that is missing, empty or no string is refused",
        arguments: ["specversion", "id", "source", "type"])
    func required(name: String) {
        let all = ["specversion": "\"1.0\"", "id": "\"1\"", "source": "\"/s\"", "type": "\"t\""]
        for value in [nil, "\"\"", "1", "null", "{}"] {
            var members = all
            members[name] = value
            let body = "{" + members.map { "\"\($0.key)\":\($0.value)" }.joined(separator: ",") + "}"
            let given = input(headers: [Self.structured], body: body)
            #expect(code { _ = try read(given) } == 40013, "\(body)")
            #expect(refusal { _ = try read(given) }?.contains(name) == true)
        }
    }

    @Test("other versions are refused", arguments: ["0.3", "1", "1.1", "2.0"])
    func versions(version: String) {
        let body = #"{"specversion":"\#(version)","id":"1","source":"/s","type":"t"}"#
        #expect(code { _ = try read(input(headers: [Self.structured], body: body)) } == 40013)
        #expect(code { _ = try read(input(headers: [("ce-specversion", version)], body: "")) } == 40013)
    }

    @Test(
        "an attribute's name has lower-case letters and digits",
        arguments: ["Foo", "foo_bar", "foo-bar", "", "ä", "a b"])
    func names(name: String) {
        #expect(code { _ = try event(#""\#(name)":"x""#) } == 40013)
    }

    @Test("an attribute is a string, a boolean or an integer", arguments: ["1.5", "null", "[]", "{}", "1e400"])
    func values(value: String) {
        #expect(code { _ = try event(#""ext":\#(value)"#) } == 40013)
    }

    @Test("data_base64 carries text and JSON, and stands without data")
    func base64() throws {
        #expect(try event(#""data_base64":"aGVsbG8=""#).content.message == "hello")
        let json = try event(#""datacontenttype":"application/json","data_base64":"eyJhIjoxfQ==""#)
        #expect(json.content.data?.description == #"{"a":1}"#)
        #expect(json.content.cloudEvent?["data_base64"] == nil)
        for (members, number) in [
            (#""data_base64":"!""#, 40013), (#""data_base64":1"#, 40013), (#""data_base64":"aA==","data":1"#, 40013),
            (#""data_base64":"/w==""#, 41501),
            (#""datacontenttype":"application/json","data_base64":"aGVsbG8=""#, 40001),
        ] {
            #expect(code { _ = try event(members) } == number, "\(members)")
        }
    }

    @Test("the key is made of source and id, unless one is given")
    func key() throws {
        let key = try event().key
        #expect(key == (try event(#""subject":"other","data":"x""#).key))
        #expect(try event(headers: [("idempotency-key", "mine")]).key == "mine")
        let other = try read(
            input(
                headers: [Self.structured], body: #"{"specversion":"1.0","id":"11","source":"/","type":"t"}"#))
        #expect(other.key != key)
        #expect(key?.utf8.count ?? 999 <= 128)
        #expect(try binary([]).key == key)
    }

    @Test("source and id cannot be shifted into one another")
    func keyParts() throws {
        func key(_ source: String, _ id: String) throws -> String? {
            try read(
                input(
                    headers: [Self.structured],
                    body: #"{"specversion":"1.0","id":"\#(id)","source":"\#(source)","type":"t"}"#)
            ).key
        }
        #expect(try key("ab", "c") != key("a", "bc"))
        #expect(try key("a3:b", "c") != key("a", "3:bc"))
    }

    @Test(
        "severitynumber sets the priority",
        arguments: zip([1, 4, 5, 8, 9, 12, 13, 16, 17, 20, 21, 24], [1, 1, 2, 2, 3, 3, 4, 4, 5, 5, 5, 5]))
    func severity(number: Int, priority: Int) throws {
        #expect(try event(#""severitynumber":\#(number)"#).content.priority?.rawValue == priority)
        #expect(try binary([("ce-severitynumber", "\(number)")]).content.priority?.rawValue == priority)
    }

    @Test("another severitynumber is refused", arguments: ["0", "25", "-1", "\"x\"", "true"])
    func badSeverity(value: String) {
        #expect(code { _ = try event(#""severitynumber":\#(value)"#) } == 40013)
    }

    @Test("expirytime sets the expiry, and has to be in the future")
    func expiry() throws {
        #expect(try event(#""expirytime":"2027-01-15T08:00:01Z""#).content.expires == 1_800_000_001)
        #expect(try event(#""expirytime":"2027-01-15T09:00:01+01:00""#).content.expires == 1_800_000_001)
        for text in ["2027-01-15T08:00:00Z", "2020-01-01T00:00:00Z", "tomorrow", ""] {
            #expect(code { _ = try event(#""expirytime":"\#(text)""#) } == 40008, "\(text)")
        }
    }

    @Test("without a topic in the path the event's own counts")
    func topic() throws {
        #expect(try event(#""topic":"b""#, topic: nil).topic.name == "b")
        #expect(try event(#""topic":"b""#).topic.name == "a")
        #expect(code { _ = try event(topic: nil) } == 40003)
        #expect(code { _ = try event(#""topic":"ws""#, topic: nil) } == 40004)
    }

    @Test("a text over its limit is refused")
    func limit() {
        #expect(code { _ = try event(#""data":"\#(String(repeating: "x", count: 4097))""#) } == 41301)
    }

    @Test("a batch is an array of events, and one bad event refuses all")
    func batch() throws {
        let good = #"{"specversion":"1.0","id":"1","source":"/s","type":"t","data":"x"}"#
        func batch(_ body: String) throws -> PublishIntake.Result {
            try PublishIntake().read(input(headers: [Self.batched], body: body))
        }
        let result = try batch("[\(good),\(good)]")
        #expect(result.isBatch)
        #expect(result.requests.map(\.content.message) == ["x", "x"])
        #expect(try batch("[]") == PublishIntake.Result(requests: [], isBatch: true))
        let hundred = "[" + Array(repeating: good, count: 100).joined(separator: ",") + "]"
        #expect(try batch(hundred).requests.count == 100)
        #expect(code { _ = try batch(hundred.dropLast() + ",\(good)]") } == 40018)
        for (body, number) in [
            ("{}", 40013), (good, 40013), ("[1]", 40013), ("[\(good),{}]", 40013), ("[", 40001), ("", 40001),
        ] {
            #expect(code { _ = try batch(body) } == number, "\(body)")
        }
    }

    @Test("a binary event has its attributes in headers, percent-encoded")
    func binaryAttributes() throws {
        let request = try binary(
            [("ce-subject", "Gr%C3%BC%C3%9Fe%20%22%25"), ("content-type", "text/plain"), ("ce-ext1", "100%")],
            body: "hello")
        #expect(request.content.message == "hello")
        #expect(request.content.cloudEvent?["subject"]?.stringValue == "Grüße \"%")
        #expect(request.content.cloudEvent?["ext1"]?.stringValue == "100%")
        #expect(request.content.cloudEvent?["datacontenttype"]?.stringValue == "text/plain")
    }

    @Test(
        "a binary event's body is read as its type says",
        arguments: [
            ("application/json", #"{"a":1}"#, #"{"a":1}"#), ("application/vnd.x+json; v=1", "[1]", "[1]"),
            ("text/json", "2", "2"),
            ("", #"{"a":1}"#, #"{"a":1}"#),
        ])
    func binaryJSON(type: String, body: String, data: String) throws {
        let request = try binary(type.isEmpty ? [] : [("content-type", type)], body: body)
        #expect(request.content.data?.description == data)
        #expect(request.content.message == "t")
    }

    @Test("a binary event without a type is text where it is no JSON")
    func binaryGuess() throws {
        #expect(try binary([], body: "not JSON").content.message == "not JSON")
        #expect(try binary([], body: "").content.message == "t")
        #expect(code { _ = try binary([("content-type", "application/json")], body: "{") } == 40001)
    }

    @Test("a binary event that is neither text nor JSON is refused")
    func binaryBytes() {
        var given = input(
            headers: [("ce-specversion", "1.0"), ("ce-id", "1"), ("ce-source", "/s"), ("ce-type", "t")])
        given.body = [0xFF, 0xFE]
        #expect(code { _ = try read(given) } == 41501)
    }

    @Test("a binary event's names are checked as well", arguments: ["ce-a-b", "ce-", "ce-a_b"])
    func binaryNames(name: String) {
        #expect(code { _ = try binary([(name, "x")]) } == 40013)
    }
}
