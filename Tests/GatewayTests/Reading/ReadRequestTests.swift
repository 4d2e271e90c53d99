import Broadcasting
import MessageBus
import Testing

@testable import Gateway

@Suite struct ReadRequestTests {
    private func read(
        _ topics: String = "a", headers: [(String, String)] = [], query: String = ""
    ) throws -> ReadRequest {
        let fields = RequestFields(headers: headers.map { (name: $0.0, value: $0.1) }, query: Query.parse(query))
        return try ReadRequest(
            topics: topics, form: .jsonLines, fields: fields, now: now, limits: ReadLimits(topics: 3))
    }

    @Test("topics are one, several or all")
    func topics() throws {
        #expect(try read("a").interest.topics.names == ["a"])
        #expect(try read("b,a,b").interest.topics.names == ["a", "b"])
        #expect(try read("*").interest.topics == .all)
    }

    @Test(
        "other topics are refused",
        arguments: [
            ("", 40003), ("a,", 40003), (",", 40003), ("a b", 40003), ("a,*", 40003), ("a,v1", 40004),
            ("1,2,3,4", 40015),
        ])
    func badTopics(text: String, number: Int) {
        #expect(code { _ = try read(text) } == number)
    }

    @Test(
        "since has ntfy's names and an event source's header",
        arguments: [
            ([("x-since", "all")], ""), ([("since", "all")], ""), ([("last-event-id", "all")], ""), ([], "since=all"),
            ([], "si=all"),
        ])
    func since(headers: [(String, String)], query: String) throws {
        #expect(try read(headers: headers, query: query).since == .all)
    }

    @Test("since goes before Last-Event-ID")
    func sinceOrder() throws {
        #expect(try read(headers: [("last-event-id", "all")], query: "since=none").since == .none)
    }

    @Test(
        "since that is nothing of all this is refused", arguments: ["soon", "-1", "1.5", "00000000000!", "10w", "ALL"])
    func badSince(text: String) {
        #expect(code { _ = try read(query: "since=\(text)") } == 40005)
        #expect(code { _ = try read(headers: [("last-event-id", text)]) } == 40005)
    }

    @Test("a poll begins with everything unless since is given")
    func poll() throws {
        for (headers, query) in [([], "poll=1"), ([], "po=true"), ([("x-poll", "yes")], "")] {
            let request = try read(headers: headers, query: query)
            #expect(request.isPolling)
            #expect(request.since == .all)
        }
        #expect(try read(query: "poll=1&since=none").since == .none)
        #expect(try !read(query: "poll=0").isPolling)
        #expect(code { _ = try read(query: "poll=2") } == 40002)
    }

    @Test("filters come from the query or headers")
    func filters() throws {
        let filter = AlertFilter(priorities: [.high, .max], tags: ["x", "y"], title: "T", message: "M")
        #expect(try read(query: "p=4,urgent&ta=x,%20y,&t=T&m=M").interest.filter == filter)
        #expect(
            try read(headers: [
                ("x-priority", "high, 5"), ("x-tags", "x,y"), ("x-title", "T"), ("x-message", "M"),
            ]).interest.filter == filter)
        #expect(try read(headers: [("priority", "u=1, i")], query: "t=&m=&ta=").interest.filter == AlertFilter())
        #expect(code { _ = try read(query: "priority=6") } == 40006)
    }

    @Test("delayed alerts are not listed, and asking for them is refused")
    func scheduled() throws {
        #expect(code { _ = try read(query: "sched=1") } == 40012)
        _ = try read(query: "scheduled=0")
    }
}

@Suite struct SinceTests {
    @Test(
        "every form of since",
        arguments: [
            ("all", Since.all), ("none", .none), ("", .none), ("latest", .latest(1)), ("latest:20", .latest(20)),
            ("00000A00000z", .after(Position(epoch: 10, offset: 61))),
            ("123456789012", .after(Position(id: "123456789012") ?? .origin)),
            ("0", .time(WallTime(seconds: 0))), ("1700000000", .time(WallTime(seconds: 1_700_000_000))),
            ("90s", .time(WallTime(seconds: now.seconds - 90))), ("2h", .time(WallTime(seconds: now.seconds - 7200))),
            ("1d", .time(WallTime(seconds: now.seconds - 86_400))),
            ("9223372036854775807", .time(WallTime(milliseconds: .max))),
        ])
    func forms(text: String, expected: Since) {
        #expect(Since(text, now: now) == expected)
    }

    @Test(
        "what is none of them",
        arguments: [
            "x", "-1", "+-1", "10y", "s", " all", "99999999999999999999", "4000d", "00000A00000", "00000A00000z0",
        ])
    func others(text: String) {
        #expect(Since(text, now: now) == nil)
    }
}

@Suite struct QueryTests {
    @Test("pairs are split and decoded")
    func pairs() {
        let pairs = Query.parse("a=1&b=x%20y+z&&c&d==&%C3%BC=%f0%9f%8c%8f&e=%ZZ%4&f=%")
        #expect(pairs.map(\.name) == ["a", "b", "c", "d", "ü", "e", "f"])
        #expect(pairs.map(\.value) == ["1", "x y z", "", "=", "🌏", "%ZZ%4", "%"])
        #expect(Query.parse("").isEmpty)
    }

    @Test("bytes that are no UTF-8 become the replacement character")
    func invalid() {
        #expect(Query.parse("a=%FF").map(\.value) == ["\u{FFFD}"])
    }

    @Test("at most 100 pairs are read, and the rest says nothing")
    func many() {
        let text = (0..<300).map { "n\($0)=v" }.joined(separator: "&")
        let pairs = Query.parse(text)
        #expect(pairs.count == 100)
        #expect(pairs.last?.value == "v")
    }

    @Test("a plus is a plus outside of queries")
    func percent() {
        #expect(PercentEncoding.decode("a+b%2B%2b%".utf8) == Array("a+b++%".utf8))
        #expect(PercentEncoding.decode("%+1".utf8, plusIsSpace: true) == Array("% 1".utf8))
    }
}
