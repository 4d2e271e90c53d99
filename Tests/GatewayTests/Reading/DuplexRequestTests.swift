import Broadcasting
import MessageBus
import StrictJSON
import Testing

@testable import Gateway

@Suite struct DuplexRequestTests {
    private func parse(_ text: String) throws -> DuplexRequest {
        try DuplexRequest(Array(text.utf8), intake: PublishIntake(), limits: ReadLimits(topics: 4), now: now)
    }

    @Test("subscribe has topics, since and a filter")
    func subscribe() throws {
        let request = try parse(
            #"{"op":"subscribe","ref":"r","topics":["b","a"],"since":"10m","filter":{"priority":[4,"max"],"tags":["x"],"title":"T","message":"M"}}"#
        )
        guard case .subscribe(let topics, let since, let filter) = request.operation else {
            Issue.record("not a subscribe")
            return
        }
        #expect(request.ref == "r")
        #expect(topics.names == ["a", "b"])
        #expect(since == .time(now.advanced(byMilliseconds: -600_000)))
        #expect(filter == AlertFilter(priorities: [.high, .max], tags: ["x"], title: "T", message: "M"))
    }

    @Test(
        "since is absent, a word, an id or a number",
        arguments: [
            ("", Since.none), (#","since":null"#, .none), (#","since":"none""#, .none), (#","since":"all""#, .all),
            (#","since":"latest""#, .latest(1)), (#","since":"000001000002""#, .after(Position(epoch: 1, offset: 2))),
            (#","since":1700000000"#, .time(WallTime(seconds: 1_700_000_000))),
            (#","since":"1700000000""#, .time(WallTime(seconds: 1_700_000_000))),
        ])
    func since(member: String, expected: Since) throws {
        guard
            case .subscribe(_, let since, let filter) = try parse(#"{"op":"subscribe","topics":["a"]\#(member)}"#)
                .operation
        else {
            Issue.record("not a subscribe")
            return
        }
        #expect(since == expected)
        #expect(filter == nil)
    }

    @Test("a star among the topics is all of them")
    func star() throws {
        for topics in [#"["*"]"#, #"["a","*"]"#] {
            guard case .subscribe(.all, _, _) = try parse(#"{"op":"subscribe","topics":\#(topics)}"#).operation else {
                Issue.record("not all topics")
                return
            }
        }
    }

    @Test("unsubscribe has topics or means all")
    func unsubscribe() throws {
        guard case .unsubscribe(let some) = try parse(#"{"op":"unsubscribe","topics":["a"]}"#).operation,
            case .unsubscribe(let all) = try parse(#"{"op":"unsubscribe"}"#).operation
        else {
            Issue.record("not an unsubscribe")
            return
        }
        #expect(some?.names == ["a"])
        #expect(all == nil)
    }

    @Test("publish has the fields of JSON publishing")
    func publish() throws {
        let text = #"{"op":"publish","topic":"a","message":"m","priority":5,"key":"k","delay":"5s","data":[1]}"#
        guard case .publish(let alert) = try parse(text).operation else {
            Issue.record("not a publish")
            return
        }
        #expect(alert.topic.name == "a")
        #expect(alert.content.message == "m")
        #expect(alert.content.priority == .max)
        #expect(alert.content.data?.description == "[1]")
        #expect(alert.key == "k")
        #expect(alert.due == now.advanced(byMilliseconds: 5000))
    }

    @Test("auth and ping")
    func others() throws {
        guard case .authenticate("t") = try parse(#"{"op":"auth","token":"t"}"#).operation,
            case .ping = try parse(#"{"op":"ping","ref":null}"#).operation
        else {
            Issue.record("neither auth nor ping")
            return
        }
    }

    @Test(
        "a frame that cannot be carried out is refused with its code",
        arguments: [
            ("", 40001), ("x", 40001), ("[]", 40001), ("1", 40001), (#"{"op":"ping","op":"ping"}"#, 40001),
            (#"{"op":"ping"} {}"#, 40001), ("{}", 40016), (#"{"op":1}"#, 40016), (#"{"op":"PING"}"#, 40016),
            (#"{"op":"ping","ref":1}"#, 40002), (#"{"op":"ping","ref":{}}"#, 40002),
            (#"{"op":"subscribe"}"#, 40002), (#"{"op":"subscribe","topics":null}"#, 40002),
            (#"{"op":"subscribe","topics":[]}"#, 40002), (#"{"op":"subscribe","topics":"a"}"#, 40002),
            (#"{"op":"subscribe","topics":[1]}"#, 40002), (#"{"op":"subscribe","topics":["a",1]}"#, 40002),
            (#"{"op":"subscribe","topics":["a b"]}"#, 40003), (#"{"op":"subscribe","topics":["a,b"]}"#, 40003),
            (#"{"op":"subscribe","topics":[""]}"#, 40003),
            (#"{"op":"subscribe","topics":["1","2","3","4","5"]}"#, 40015),
            (#"{"op":"subscribe","topics":["a"],"since":"soon"}"#, 40005),
            (#"{"op":"subscribe","topics":["a"],"since":-1}"#, 40005),
            (#"{"op":"subscribe","topics":["a"],"since":1.5}"#, 40005),
            (#"{"op":"subscribe","topics":["a"],"since":{}}"#, 40005),
            (#"{"op":"subscribe","topics":["a"],"since":true}"#, 40005),
            (#"{"op":"subscribe","topics":["a"],"filter":1}"#, 40006),
            (#"{"op":"subscribe","topics":["a"],"filter":{"priority":4}}"#, 40006),
            (#"{"op":"subscribe","topics":["a"],"filter":{"priority":[6]}}"#, 40006),
            (#"{"op":"subscribe","topics":["a"],"filter":{"tags":"x"}}"#, 40006),
            (#"{"op":"subscribe","topics":["a"],"filter":{"tags":[1]}}"#, 40006),
            (#"{"op":"subscribe","topics":["a"],"filter":{"title":1}}"#, 40006),
            (#"{"op":"subscribe","topics":["a"],"filter":{"message":[]}}"#, 40006),
            (#"{"op":"unsubscribe","topics":[]}"#, 40002), (#"{"op":"unsubscribe","topics":{}}"#, 40002),
            (#"{"op":"publish"}"#, 40002), (#"{"op":"publish","topic":"ws"}"#, 40004),
            (#"{"op":"publish","topic":"a","message":[]}"#, 40002), (#"{"op":"publish","topic":"a","key":""}"#, 40009),
            (#"{"op":"auth"}"#, 40002), (#"{"op":"auth","token":1}"#, 40002),
        ])
    func malformed(text: String, number: Int) {
        #expect(code { _ = try parse(text) } == number)
    }

    @Test("a filter has at most 64 entries of a kind")
    func filterSize() throws {
        func text(_ count: Int) -> String {
            let tags = (0..<count).map { "\"t\($0)\"" }.joined(separator: ",")
            return #"{"op":"subscribe","topics":["a"],"filter":{"tags":[\#(tags)]}}"#
        }
        _ = try parse(text(64))
        #expect(code { _ = try parse(text(65)) } == 40006)
    }

    @Test("a refusal carries the frame's ref as far as it could be read")
    func refs() {
        func ref(_ text: String) -> String? {
            do { _ = try parse(text) } catch let error as DuplexRequest.Refusal { return error.ref } catch {}
            return nil
        }
        let long = String(repeating: "x", count: 64)
        #expect(ref(#"{"op":"x","ref":"r1"}"#) == "r1")
        #expect(ref(#"{"op":"x","ref":"\#(long)"}"#) == long)
        #expect(ref(#"{"op":"ping","ref":"\#(long)x"}"#) == nil)
        #expect(ref(#"{"op":"x""#) == nil)
    }
}
