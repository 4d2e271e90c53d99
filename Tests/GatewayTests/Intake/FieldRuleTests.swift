import MessageBus
import StrictJSON
import Testing

@testable import Gateway

@Suite struct FieldRuleTests {
    @Test("the body is the message of a topic's path, and an empty one becomes triggered")
    func body() throws {
        #expect(try read(input(body: "Grüße 🌏\n2")).content.message == "Grüße 🌏\n2")
        #expect(try read(input()).content.message == "triggered")
        #expect(try read(json: #"{"topic":"a"}"#).content.message == "triggered")
        #expect(try read(input(headers: [("message", "header")], body: "body")).content.message == "header")
    }

    @Test("a JSON body on a topic's path is text")
    func jsonIsText() throws {
        let text = #"{"topic":"b","message":"m"}"#
        let request = try read(input(headers: [("content-type", "application/json")], body: text))
        #expect(request.topic.name == "a")
        #expect(request.content.message == text)
    }

    @Test("a body that is not UTF-8 is refused")
    func utf8() {
        var wrong = input()
        wrong.body = [0x41, 0xFF]
        #expect(code { _ = try read(wrong) } == 40011)
        wrong.topic = nil
        #expect(code { _ = try read(wrong) } == 40001)
    }

    @Test("a Content-Type of text/markdown marks Markdown, unless the field says no")
    func markdown() throws {
        let type = ("content-type", "Text/Markdown; charset=utf-8")
        #expect(try read(input(headers: [type])).content.markdown)
        #expect(try !read(input(headers: [type, ("markdown", "no")])).content.markdown)
        #expect(try read(json: #"{"topic":"a","markdown":true}"#).content.markdown)
        #expect(code { _ = try read(input(headers: [("md", "perhaps")])) } == 40002)
    }

    @Test(
        "what is at its limit is taken and one more is refused",
        arguments: [
            ("message", 4096, 41301), ("title", 256, 41301), ("click", 2048, 41301), ("icon", 2048, 41301),
            ("key", 128, 40009),
        ])
    func limits(field: String, limit: Int, number: Int) throws {
        let start = ["click", "icon"].contains(field) ? "https://a.example/" : ""
        func json(_ count: Int) -> String {
            #"{"topic":"a","\#(field)":"\#(start + String(repeating: "x", count: count - start.count))"}"#
        }
        _ = try read(json: json(limit))
        #expect(code { _ = try read(json: json(limit + 1)) } == number)
    }

    @Test("limits count bytes, and a refusal names the field")
    func bytes() {
        let text = String(repeating: "é", count: 129)
        #expect(refusal { _ = try read(input(headers: [("title", text)])) }?.hasPrefix("title has 258 bytes") == true)
        #expect(refusal { _ = try read(input(body: String(repeating: "é", count: 2049))) }?.contains("4098") == true)
    }

    @Test("at most 16 tags of at most 64 bytes are taken")
    func tagLimits() throws {
        let tags = (0..<16).map { "t\($0)" }
        #expect(try read(input(headers: [("tags", tags.joined(separator: ","))])).content.tags == tags)
        #expect(code { _ = try read(input(headers: [("tags", (tags + ["x"]).joined(separator: ","))])) } == 40002)
        #expect(try read(input(headers: [("tags", String(repeating: "x", count: 64))])).content.tags.count == 1)
        #expect(code { _ = try read(input(headers: [("tags", String(repeating: "x", count: 65))])) } == 40002)
    }

    @Test(
        "an idempotency key has printable ASCII without blanks",
        arguments: ["", "a b", "ü", "tab\\u0009", "a\\u0000", "\\u007f"])
    func badKeys(key: String) {
        #expect(code { _ = try read(json: #"{"topic":"a","key":"\#(key)"}"#) } == 40009)
    }

    @Test(
        "links are http or https and have no blanks or controls",
        arguments: [
            "ftp://a", "javascript:alert(1)", "//a", "a", "https://a b", "https://a\\u000d\\u000aX: y", "data:x",
        ])
    func badLinks(link: String) {
        for field in ["click", "icon"] {
            #expect(code { _ = try read(json: #"{"topic":"a","\#(field)":"\#(link)"}"#) } == 40002, "\(field)")
        }
    }

    @Test(
        "a delay is from one second to three days",
        arguments: [
            ("1s", 1), ("3d", 259_200), ("72h", 259_200), ("1800000001", 1), ("1800259200", 259_200), ("10m", 600),
        ])
    func delays(text: String, seconds: Int64) throws {
        let due = try read(input(headers: [("delay", text)])).due
        #expect(due == now.advanced(byMilliseconds: seconds * 1000))
    }

    @Test(
        "other delays are refused, whatever their size",
        arguments: [
            "0s", "4d", "259201s", "1800000000", "1800259201", "1", "-1", "-5s", "1.5s", "10", "soon", "s", "10w",
            "9999999999999d",
            "9223372036854775807", "-9223372036854775808", "-9223372036854775", "99999999999999999999", "５s", "+5s ",
        ])
    func badDelays(text: String) {
        #expect(code { _ = try read(input(headers: [("delay", text)])) } == 40007)
        #expect(code { _ = try read(json: #"{"topic":"a","delay":"\#(text)"}"#) } == 40007)
    }

    @Test("an empty delay or expiry says nothing")
    func emptyTimes() throws {
        let request = try read(input(headers: [("delay", ""), ("expires", "")]))
        #expect(request.due == nil)
        #expect(request.content.expires == nil)
    }

    @Test(
        "an expiry that is not in the future is refused",
        arguments: ["0s", "1800000000", "-1", "1", "never", "-9223372036854775808", "1.5"])
    func badExpiry(text: String) {
        #expect(code { _ = try read(input(headers: [("expires", text)])) } == 40008)
    }

    @Test(
        "an expiry may be far away", arguments: [("9223372036854775807", Int64.max / 1000), ("3650d", 2_115_360_000)])
    func farExpiry(text: String, seconds: Int64) throws {
        #expect(try read(input(headers: [("expires", text)])).content.expires == seconds)
    }

    @Test(
        "what ntfy has and Crier has not is refused by its name",
        arguments: [
            ("attach", ["x-attach", "attach", "a"]), ("filename", ["x-filename", "filename", "file", "f"]),
            ("email", ["x-email", "x-e-mail", "email", "e-mail", "mail", "e"]), ("call", ["x-call", "call"]),
        ])
    func unsupported(field: String, names: [String]) throws {
        for name in names {
            let given = input(headers: [(name, "x")])
            #expect(code { _ = try read(given) } == 40012)
            #expect(refusal { _ = try read(given) }?.contains(field) == true)
            #expect(code { _ = try read(input(query: "\(name)=x")) } == 40012)
            _ = try read(input(headers: [(name, "")]))
        }
        #expect(code { _ = try read(json: #"{"topic":"a","\#(field)":"x"}"#) } == 40012)
        _ = try read(json: #"{"topic":"a","\#(field)":null}"#)
    }

    @Test("an alert that should not be kept is refused, one that may be kept is taken")
    func cache() throws {
        for value in ["no", "0", "false", "No"] {
            #expect(code { _ = try read(input(headers: [("cache", value)])) } == 40012)
        }
        _ = try read(input(headers: [("x-cache", "yes")]))
    }

    @Test(
        "actions are at most three objects", arguments: ["[1]", "{}", #""x""#, "[{},{},{},{}]", "[[]]", "1"])
    func badActions(text: String) {
        #expect(code { _ = try read(json: #"{"topic":"a","actions":\#(text)}"#) } == 40002)
        #expect(code { _ = try read(input(headers: [("actions", text)])) } == 40002)
    }

    @Test("no actions are as none")
    func emptyActions() throws {
        #expect(try read(json: #"{"topic":"a","actions":[]}"#).content.actions == nil)
        #expect(code { _ = try read(input(headers: [("actions", "view")])) } == 40002)
    }

    @Test("a topic has 1 to 64 of its characters", arguments: ["", "a b", "ä", "a/b", "a.b", "*", "a,b", "a\0"])
    func badTopics(name: String) {
        #expect(code { _ = try read(input(topic: name)) } == 40003)
    }

    @Test("a topic of 64 characters is taken and one of 65 is not")
    func longTopics() throws {
        #expect(try read(input(topic: String(repeating: "x", count: 64))).topic.name.count == 64)
        #expect(code { _ = try read(input(topic: String(repeating: "x", count: 65))) } == 40003)
    }

    @Test("the server's own names are no topics", arguments: Route.reservedNames.sorted())
    func reserved(name: String) {
        #expect(code { _ = try read(input(topic: name)) } == 40004)
        #expect(code { _ = try read(json: #"{"topic":"\#(name)"}"#) } == 40004)
    }

    @Test(
        "a body to the root has to be a JSON object with a topic",
        arguments: [
            ("", 40001), ("x", 40001), ("[]", 40001), ("1", 40001), ("{}", 40002), (#"{"topic":1}"#, 40002),
            (#"{"topic":null}"#, 40002), (#"{"topic":"a","topic":"b"}"#, 40001), (#"{"topic":"a"} x"#, 40001),
        ])
    func badObjects(body: String, number: Int) {
        #expect(code { _ = try read(json: body) } == number)
    }

    @Test(
        "a field of the wrong JSON type is refused by its name",
        arguments: ["message", "title", "priority", "click", "icon", "delay", "expires", "key", "markdown"])
    func wrongTypes(field: String) {
        for value in ["[]", "{}"] {
            let json = #"{"topic":"a","\#(field)":\#(value)}"#
            #expect(code { _ = try read(json: json) } == 40002, "\(value)")
            #expect(refusal { _ = try read(json: json) }?.contains(field) == true)
        }
    }

    @Test("a priority that is none is refused", arguments: ["0", "6", "3.5", "-1", "highest", "４"])
    func badPriorities(text: String) {
        #expect(code { _ = try read(input(headers: [("p", text)])) } == 40002)
    }
}
