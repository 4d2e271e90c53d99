import ArgumentParser
import Testing

@testable import Crier

struct PublishDraftTests {
    private func json(_ arguments: String..., message: String = "m") throws -> String {
        let command = try PublishCommand.parse(arguments)
        return String(decoding: command.draft(message: message, key: command.key ?? "k").json, as: UTF8.self)
    }

    @Test func onlyWhatIsGivenIsSent() throws {
        #expect(try json("alerts", "m") == #"{"topic":"alerts","message":"m","key":"k"}"#)
    }

    @Test func everyOptionHasItsMember() throws {
        let body = try json(
            "alerts", "--title", "T\n", "--priority", "urgent", "--tags", "a,b", "--tags", "c", "--click",
            "https://example.com/", "--delay", "10m", "--expires", "1d", "--key", "mine", "--data",
            #" {"a": [1.50, "\u00e9"]} "#, "--markdown", message: "\"é\"")
        let expected =
            #"{"topic":"alerts","message":"\"é\"","title":"T\n","priority":5,"tags":["a","b","c"],"#
            + #""click":"https://example.com/","delay":"10m","expires":"1d","markdown":true,"data":{"a":[1.50,"é"]},"#
            + #""key":"mine"}"#
        #expect(body == expected)
    }

    @Test func dashesAreWords() throws {
        #expect(try PublishCommand.parse(["t", "-"]).words == ["-"])
        #expect(try PublishCommand.parse(["t", "a", "b"]).words == ["a", "b"])
        #expect(try PublishCommand.parse(["t", "--", "-x", "--title"]).words == ["-x", "--title"])
    }

    @Test(arguments: [
        ["a/b", "m"], ["", "m"], [String(repeating: "a", count: 65), "m"], ["t", "m", "--priority", "6"],
        ["t", "m", "--priority", "loud"], ["t", "m", "--data", "{"], ["t", "m", "--data", "NaN"],
        ["t", "m", "--key", ""], ["t", "m", "--key", "é"], ["t", "m", "--retry-for", "-1"],
        ["t", "m", "--retry-for", "nan"], ["t", "m", "--server", "localhost"], ["t", "m", "--token", "a b"], [],
    ])
    func wrongUsageIsFoundBeforeAnythingIsSent(arguments: [String]) {
        do {
            _ = try PublishCommand.parse(arguments)
            Issue.record("accepted")
        } catch {
            #expect(PublishCommand.exitCode(for: error).rawValue == 64)
        }
    }

    @Test(arguments: [
        ("min", 1), ("1", 1), ("low", 2), ("default", 3), ("high", 4), ("max", 5), ("urgent", 5), ("5", 5),
    ])
    func prioritiesHaveNumbersAndNames(text: String, level: Int) {
        #expect(AlertPriority(argument: text)?.level == level)
    }

    @Test func randomKeysAreValidAndDiffer() {
        var random = SystemRandomNumberGenerator()
        let keys = (0..<100).map { _ in IdempotencyKey.random(using: &random) }
        #expect(Set(keys).count == 100)
        #expect(keys.allSatisfy { $0.utf8.count == 22 && IdempotencyKey.isValid($0) })
    }
}

struct PublishReceiptTests {
    @Test(
        arguments: [
            (#"{"id":"00bPJ500000A","event":"message"}"#, .raised(id: "00bPJ500000A")),
            (#"{"id":"00bPJ500000A","duplicate":true}"#, .duplicate(id: "00bPJ500000A")),
            (#"{"event":"scheduled","time":1763717771}"#, .scheduled(time: 1_763_717_771)),
            (#"{"ok":true}"#, nil), ("<html>", nil), ("", nil), (#"[{"id":"a"}]"#, nil),
        ] as [(String, PublishReceipt?)])
    func answersAreUnderstood(body: String, receipt: PublishReceipt?) {
        #expect(PublishReceipt(Array(body.utf8)) == receipt)
    }

    @Test func linesAreSafeToPrint() {
        #expect(PublishReceipt.raised(id: "a\u{1b}[2J").line == "a\\u{1b}[2J")
        #expect(PublishReceipt.scheduled(time: 1_763_717_771).line == "scheduled 2025-11-21T09:36:11Z")
    }

    @Test(arguments: [
        (#"{"code":42901,"http":429,"error":"too\u001b fast"}"#, "too\\u{1b} fast (42901)"),
        (#"{"error":"no"}"#, "no (HTTP 429)"), ("Bad Gateway", "the server answered with HTTP 429"),
    ])
    func refusalsAreShownAsTheServerSaysThem(body: String, message: String) {
        #expect(ServerRefusal(status: 429, body: Array(body.utf8)).message == message)
    }
    @Test func redirectsAreToldAndNotFollowed() {
        let moved = ServerRefusal(status: 301, body: [], location: "https://example.com/\u{1b}")
        #expect(moved.message == "the server is at https://example.com/\\u{1b}")
        #expect(ServerRefusal(status: 400, body: [], location: "x").message == "the server answered with HTTP 400")
    }
}
