import StrictJSON
import Testing

@testable import Gateway

struct ActionListTests {
    @Test("ntfy's short form becomes the objects that it stands for")
    func reads() throws {
        let text = #"""
            view, Open portal, https://example.com/?a=1, clear=true; http, "Close, the; door", url=https://api.example.com/door, method=PUT, headers.Authorization=Bearer x, body='{"a": 1}'
            """#
        let expected = try JSONValue.parse(
            #"""
            [{"action":"view","label":"Open portal","url":"https://example.com/?a=1","clear":true},
             {"action":"http","label":"Close, the; door","url":"https://api.example.com/door","method":"PUT","body":"{\"a\": 1}",
              "headers":{"Authorization":"Bearer x"}}]
            """#)
        #expect(try ActionList.parse(text) == expected)
    }

    @Test("An empty list, and a semicolon at the end, are no actions")
    func empty() throws {
        #expect(try ActionList.parse("").arrayValue?.isEmpty == true)
        #expect(try ActionList.parse("view, Open;").arrayValue?.count == 1)
    }

    @Test(
        "What is no list of actions is refused by name",
        arguments: [
            "view", "dance, Label", "view, Open, https://a, b", "view, \"Open", "view, , url=https://a", ", , ,",
        ])
    func refuses(_ text: String) {
        let error = #expect(throws: GatewayError.self) { try ActionList.parse(text) }
        #expect(error?.code.number == 40002)
        #expect(error?.message.hasPrefix("actions") == true)
    }
}
