import MessageBus
import StrictJSON
import Testing

@testable import Gateway

/// One field of the protocol's table: its names, and how the request that came of it shows its value.
struct FieldRow: Sendable, CustomTestStringConvertible {
    let field: String
    let names: [String]
    let json: String
    /// Values by header, query and JSON, and what each becomes.
    let values: (header: String, query: String, json: String)
    let shown: (header: String, query: String, json: String)
    let show: @Sendable (AlertRequest) -> String?

    var testDescription: String { field }

    init(
        _ field: String, _ names: [String], _ values: (String, String, String), shown: (String, String, String)? = nil,
        show: @escaping @Sendable (AlertRequest) -> String?
    ) {
        self.field = field
        self.names = names
        self.json = field
        self.values = values
        self.shown = shown ?? values
        self.show = show
    }

    static let all: [FieldRow] = [
        FieldRow("message", ["X-Message", "Message", "m"], ("one", "two", "three")) { $0.content.message },
        FieldRow("title", ["X-Title", "Title", "t"], ("one", "two", "three")) { $0.content.title },
        FieldRow(
            "priority", ["X-Priority", "Priority", "prio", "p"], ("urgent", "4", "low"), shown: ("5", "4", "2")
        ) { $0.content.priority.map { "\($0.rawValue)" } },
        FieldRow("tags", ["X-Tags", "Tags", "tag", "ta"], ("a,b", "c", "d,e"), shown: ("a b", "c", "d e")) {
            $0.content.tags.joined(separator: " ")
        },
        FieldRow(
            "delay", ["X-Delay", "Delay", "X-At", "At", "X-In", "In"], ("10s", "20s", "30s"),
            shown: ("1800000010", "1800000020", "1800000030")
        ) { $0.due.map { "\($0.seconds)" } },
        FieldRow(
            "expires", ["X-Expires", "Expires", "X-TTL", "TTL"], ("10s", "20s", "1800000030"),
            shown: ("1800000010", "1800000020", "1800000030")
        ) { $0.content.expires.map { "\($0)" } },
        FieldRow("click", ["X-Click", "Click"], ("http://a.example", "https://b.example/?q=1", "https://c.example")) {
            $0.content.click
        },
        FieldRow("icon", ["X-Icon", "Icon"], ("http://a.example/i.png", "https://b.example/i", "https://c.example")) {
            $0.content.icon
        },
        FieldRow("markdown", ["X-Markdown", "Markdown", "md"], ("yes", "no", "1"), shown: ("true", "false", "true")) {
            "\($0.content.markdown)"
        },
        FieldRow("actions", ["X-Actions", "Actions"], (#"[{"a":1}]"#, #"[{"a":2}]"#, #"[{"a":3}]"#)) {
            $0.content.actions?.description
        },
        FieldRow("key", ["Idempotency-Key", "X-Idempotency-Key"], ("k-1", "k-2", "k-3")) { $0.key },
    ]

    /// The names that the query has for it.
    var queryNames: [String] { field == "key" ? ["key"] : names }

    var jsonText: String {
        field == "actions" ? values.json : "\"\(values.json)\""
    }
}

func percentEncoded(_ text: String) -> String {
    text.utf8.map { byte in
        byte < 0x30 ? "%" + (byte < 16 ? "0" : "") + String(byte, radix: 16) : String(UnicodeScalar(byte))
    }.joined()
}

@Suite struct FieldAliasTests {
    @Test("every name of a field is taken as a header, whatever its value's place", arguments: FieldRow.all)
    func headers(row: FieldRow) throws {
        for name in row.names {
            let request = try read(input(headers: [(name.lowercased(), row.values.header)], body: "body"))
            #expect(row.show(request) == row.shown.header, "\(name)")
        }
    }

    @Test("every name of a field is taken in the query, in any case", arguments: FieldRow.all)
    func query(row: FieldRow) throws {
        for name in row.queryNames + row.queryNames.map({ $0.uppercased() }) {
            let request = try read(input(query: "\(name)=\(percentEncoded(row.values.query))", body: "body"))
            #expect(row.show(request) == row.shown.query, "\(name)")
        }
    }

    @Test("a field is taken from JSON", arguments: FieldRow.all)
    func json(row: FieldRow) throws {
        let request = try read(json: #"{"topic":"a","\#(row.json)":\#(row.jsonText)}"#)
        #expect(row.show(request) == row.shown.json)
    }

    @Test("the header wins over the query and the query over JSON", arguments: FieldRow.all)
    func precedence(row: FieldRow) throws {
        let json = #"{"topic":"a","\#(row.json)":\#(row.jsonText)}"#
        let query = "\(row.queryNames[0])=\(percentEncoded(row.values.query))"
        let all = try read(json: json, headers: [(row.names[0].lowercased(), row.values.header)], query: query)
        #expect(row.show(all) == row.shown.header)
        let two = try read(json: json, query: query)
        #expect(row.show(two) == row.shown.query)
    }

    @Test("an earlier name wins over a later one of the same field")
    func order() throws {
        let request = try read(input(headers: [("t", "last"), ("title", "second"), ("x-title", "first")]))
        #expect(request.content.title == "first")
        #expect(try read(input(query: "t=last&title=second")).content.title == "second")
    }

    @Test("of a name that comes twice the first counts")
    func twice() throws {
        #expect(try read(input(headers: [("title", "one"), ("title", "two")])).content.title == "one")
        #expect(try read(input(query: "title=one&title=two")).content.title == "one")
    }

    @Test("tags come as an array or with commas, without blanks and empty entries")
    func tags() throws {
        #expect(try read(json: #"{"topic":"a","tags":["x","y z"]}"#).content.tags == ["x", "y z"])
        #expect(try read(input(headers: [("tags", " x , ,y,")])).content.tags == ["x", "y"])
        #expect(code { _ = try read(json: #"{"topic":"a","tags":["x",1]}"#) } == 40002)
        #expect(code { _ = try read(json: #"{"topic":"a","tags":{"x":1}}"#) } == 40002)
    }

    @Test(
        "a priority has a number or one of ntfy's names",
        arguments: zip(
            ["1", "2", "3", "4", "5", "min", "low", "default", "high", "max", "urgent", "URGENT"],
            [1, 2, 3, 4, 5, 1, 2, 3, 4, 5, 5, 5]))
    func priorities(text: String, value: Int) throws {
        #expect(try read(input(headers: [("priority", text)])).content.priority?.rawValue == value)
    }

    @Test("a JSON number is taken where a field's text has digits")
    func numbers() throws {
        let request = try read(json: #"{"topic":"a","priority":4,"expires":1800000100,"key":17,"message":5}"#)
        #expect(request.content.priority == .high)
        #expect(request.content.expires == 1_800_000_100)
        #expect(request.key == "17")
        #expect(request.content.message == "5")
    }

    @Test("null in JSON says nothing")
    func null() throws {
        let request = try read(
            json: #"{"topic":"a","message":null,"title":null,"priority":null,"tags":null,"delay":null,"actions":null}"#)
        #expect(request == AlertRequest(topic: request.topic, content: AlertContent(message: "triggered")))
    }

    @Test(
        "data is any JSON value and comes from JSON alone", arguments: ["1", #""x""#, "[1,{}]", #"{"a":null}"#, "true"])
    func data(text: String) throws {
        #expect(try read(json: #"{"topic":"a","data":\#(text)}"#, query: "data=9").content.data?.description == text)
    }

    @Test("members that the server sets and members that are unknown are ignored")
    func ignored() throws {
        let request = try read(
            json: #"{"topic":"a","message":"m","id":"x","time":1,"sender":"me","region":"moon","ce":{},"other":[1]}"#)
        #expect(request.content == AlertContent(message: "m"))
    }
}
