import ArgumentParser
import Testing

@testable import Crier

struct SubscribeEventTests {
    private func event(_ line: String) throws(FeedEvent.Malformed) -> FeedEvent {
        try FeedEvent(line: Array(line.utf8))
    }

    @Test func everyEventOfTheProtocolIsUnderstood() throws {
        let id = try #require(AlertID("00bPJ500000A"))
        #expect(
            try event(#"{"event":"open","id":"00bPJ500000A","vm":"ID_1","region":"syd","ping":15,"time":1}"#)
                == .open(id: id, vm: "ID_1", region: "syd"))
        #expect(try event(#"{"event":"keepalive","id":"00bPJ500000A","time":1}"#) == .keepalive(id: id))
        #expect(
            try event(#"{"event":"reset","id":"00bPJ500000A","reason":"retention","since":"x","oldest":null}"#)
                == .reset(id: id, reason: "retention"))
        #expect(try event(#"{"event":"stale","time":1}"#) == .stale)
        #expect(try event(#"{"event":"live","time":1}"#) == .live)
        #expect(try event(#"{"event":"drain","retry_ms":250}"#) == .drain(retryMilliseconds: 250))
        #expect(try event(#"{"event":"poll_request"}"#) == .other)
    }

    @Test(arguments: [
        "", "[]", "{}", "null", "{\"event\":1}", #"{"event":"message"}"#, #"{"event":"message","id":"ab"}"#, "{",
    ])
    func linesThatAreNoEventAreNamedAsSuch(line: String) {
        #expect(throws: FeedEvent.Malformed.self) { try event(line) }
    }

    @Test func dataMayBeNestedAsDeepAsServersTakeIt() throws {
        let data = String(repeating: "[", count: 64) + String(repeating: "]", count: 64)
        let line = #"{"event":"message","id":"00bPJ500000A","data":\#(data)}"#
        guard case .message = try event(line) else {
            Issue.record("no message")
            return
        }
    }

    @Test(arguments: [
        (
            #"{"id":"00bPJ500000A","time":1763717771,"event":"message","#
                + #""topic":"alien-landings","title":"Alien landing!","#
                + #""message":"Aliens over Sydney","priority":4,"region":"syd"}"#,
            "2025-11-21T09:36:11Z  alien-landings  syd  [4] Alien landing!: Aliens over Sydney  (00bPJ500000A)"
        ),
        (
            #"{"id":"00bPJ500000A","time":0,"event":"message","topic":"t","message":"triggered"}"#,
            "1970-01-01T00:00:00Z  t  -  [3] triggered  (00bPJ500000A)"
        ),
        (
            #"{"id":"00bPJ500000A","time":0,"event":"message","topic":"t","title":"only a title","message":""}"#,
            "1970-01-01T00:00:00Z  t  -  [3] only a title  (00bPJ500000A)"
        ),
        (
            #"{"id":"00bPJ500000A","time":0,"event":"message","topic":"t","region":"\u001b[1m","title":"a\nb","#
                + #""message":"\u001b]0;owned\u0007\r\u009b2J\u202eevil 👩‍🚀"}"#,
            "1970-01-01T00:00:00Z  t  \\u{1b}[1m  [3] a\\nb: "
                + "\\u{1b}]0;owned\\u{7}\\r\\u{9b}2J\\u{202e}evil 👩‍🚀  (00bPJ500000A)"
        ),
    ])
    func alertsAreOneSafeLine(json: String, line: String) throws {
        guard case .message(let alert) = try event(json) else {
            Issue.record("no message")
            return
        }
        #expect(alert.line == line)
        #expect(AlertPrinter(isJSON: false, isTerminal: false).line(alert, Array(json.utf8)) == Array(line.utf8))
    }

    @Test func jsonIsPassedOnAsItCameAndIsEscapedOnlyForTerminals() throws {
        let json = Array(
            "{\"id\":\"00bPJ500000A\",\"event\":\"message\", \"message\":\"\u{9b}2J\u{202e}é\u{7f}\"}".utf8)
        guard case .message(let alert) = try FeedEvent(line: json) else {
            Issue.record("no message")
            return
        }
        #expect(AlertPrinter(isJSON: true, isTerminal: false).line(alert, json) == json)
        let escaped = AlertPrinter(isJSON: true, isTerminal: true).line(alert, json)
        #expect(
            String(decoding: escaped, as: UTF8.self)
                == #"{"id":"00bPJ500000A","event":"message", "message":"\u009b2J\u202eé\u007f"}"#)
        #expect(try FeedEvent(line: escaped) == FeedEvent(line: json))
    }

    @Test func idsCompareAsTheirBytes() throws {
        let ids = try ["000000000000", "00000000000A", "00000000000Z", "00000000000a", "0000A0000000", "z00000000000"]
            .map { try #require(AlertID($0)) }
        #expect(ids.shuffled().sorted() == ids)
        for text in ["", "00000000000", "0000000000000", "00000000000-", "00000000000é"] {
            #expect(AlertID(text) == nil)
        }
    }

    @Test(arguments: [
        (0, "1970-01-01T00:00:00Z"), (951_782_400, "2000-02-29T00:00:00Z"), (1_709_164_800, "2024-02-29T00:00:00Z"),
        (4_107_542_399, "2100-02-28T23:59:59Z"), (4_107_542_400, "2100-03-01T00:00:00Z"),
        (1_798_761_599, "2026-12-31T23:59:59Z"), (-1, "1969-12-31T23:59:59Z"),
        (-62_167_219_200, "0000-01-01T00:00:00Z"),
        (253_402_300_799, "9999-12-31T23:59:59Z"), (253_402_300_800, "253402300800"), (.max, "9223372036854775807"),
        (.min, "-9223372036854775808"),
    ])
    func timesAreWrittenInUTC(seconds: Int, text: String) {
        #expect(Timestamp.text(unixSeconds: seconds) == text)
    }
}

struct SubscribeLineSplitterTests {
    @Test func linesAreTheSameHoweverTheBytesArrive() throws {
        let text = Array("one\n\ntwo\r\n\r\nthrée 😀\nunfinished".utf8)
        let expected = ["one", "two", "thrée 😀"].map { Array($0.utf8) }
        for first in 0...text.count {
            for second in first...text.count {
                var splitter = LineSplitter()
                var lines = try splitter.append(text[..<first])
                lines += try splitter.append(text[first..<second])
                lines += try splitter.append(text[second...])
                #expect(lines == expected)
            }
        }
    }

    @Test func aLineLongerThanTheLimitIsAnError() throws {
        var splitter = LineSplitter(limit: 4)
        #expect(try splitter.append(Array("1234\n12".utf8)).count == 1)
        #expect(try splitter.append(Array("34".utf8)).isEmpty)
        #expect(throws: LineSplitter.LineTooLong(limit: 4)) { try splitter.append(Array("5".utf8)) }
        var another = LineSplitter(limit: 4)
        #expect(throws: LineSplitter.LineTooLong(limit: 4)) { try another.append(Array("12345\n".utf8)) }
    }
}

struct SubscribeArgumentsTests {
    @Test func topicsAndFiltersBecomeTheRequest() throws {
        let command = try SubscribeCommand.parse(
            ["a,b", "c", "--since", "10m", "--filter-priority", "high,5", "--filter-tags", "x y,z"])
        #expect(command.topics.flatMap(\.texts) == ["a", "b", "c"])
        let feed = Feed(
            server: .local, token: nil, topics: command.topics.flatMap(\.texts), filters: command.filters,
            reconnects: true)
        #expect(
            feed.url(since: command.since)
                == "http://localhost:8080/a,b,c/json?since=10m&priority=4%2C5&tags=x%20y%2Cz")
        #expect(
            Feed(server: .local, token: nil, topics: ["*"], filters: [], reconnects: true).url(since: nil)
                == "http://localhost:8080/*/json")
    }

    @Test(arguments: [
        [], ["a/b"], ["a,"], [""], ["*", "a"], ["*,a"], ["a", "--count", "0"], ["a", "--filter-priority", "6"],
        ["a", "--filter-priority", ""], ["a", "--filter-priority", "1,,2"], ["a", "--server", "nowhere"],
    ])
    func wrongUsageIsFoundBeforeConnecting(arguments: [String]) {
        do {
            _ = try SubscribeCommand.parse(arguments)
            Issue.record("accepted")
        } catch {
            #expect(SubscribeCommand.exitCode(for: error).rawValue == 64)
        }
    }
}
