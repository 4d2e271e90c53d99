import Broadcasting
import CrierTesting
import MessageBus
import StrictJSON
import Testing

@testable import Gateway

/// Mutated requests by the ten thousand: intake neither traps nor lets anything through that does not come out again as it is.
@Suite struct PublishIntakeFuzzTests {
    private static let objects = [
        #"{"topic":"a","message":"m","title":"t","priority":5,"tags":["x","y"],"delay":"30s","expires":"2h","key":"k"}"#,
        #"{"topic":"a","click":"https://a.example","icon":"http://b","markdown":true,"actions":[{"action":"view"}],"data":{"n":[1,2.5e3,null]}}"#,
        #"{"topic":"a","message":"\ud83c\udf0f\u0000\"\\","delay":1800000100,"priority":"max","tags":"a,b","cache":"yes"}"#,
        #"{"specversion":"1.0","id":"1","source":"/s","type":"t","datacontenttype":"application/json","data":{"message":"m","title":"T"},"severitynumber":17}"#,
        #"{"specversion":"1.0","id":"2","source":"/s","type":"t","data_base64":"aGVsbG8=","expirytime":"2030-01-01T00:00:00Z","topic":"b"}"#,
        #"{"version":"4","alerts":[{"status":"resolved","labels":{"alertname":"A","severity":"page"},"annotations":{"summary":"s"},"startsAt":"x","fingerprint":"f","generatorURL":"https://p"}]}"#,
    ]
    private static let values = [
        "", "1", "-1", "30s", "-9223372036854775808", "9223372036854775807", "-9223372036854775", "1800000050",
        "2027-01-15T08:00:01.5+23:59",
        "9999-12-31T23:59:60Z", "0000-00-00T00:00:00Z", "=?utf-8?B?8J+Mjw==?=", "=?utf-8?Q?=C3=?=", "=?=?=?", "%F0%9F",
        "\u{301}e\u{301}\u{301}",
        "👩‍👩‍👧", "[{}]", "[[[[", "yes", "u=1, i", "https://x", "a,b,,c", "\u{0}", "\r\nX: y",
        String(repeating: "x", count: 5000),
    ]
    private static let names = [
        "x-message", "title", "t", "priority", "tags", "delay", "at", "in", "expires", "ttl", "click", "icon", "md",
        "actions", "idempotency-key",
        "key", "cache", "attach", "email", "content-type", "ce-specversion", "ce-id", "ce-source", "ce-type",
        "ce-severitynumber",
        "ce-expirytime", "ce-subject", "ce-datacontenttype", "ce-", "ce-Ä", "ce-topic",
    ]
    private static let types = [
        "", "text/plain", "text/markdown", "application/json", "application/cloudevents+json",
        "application/cloudevents-batch+json",
        "application/x-www-form-urlencoded", ";;", "application/vnd.a+json",
    ]

    @Test("requests of any kind are refused or taken, and what is taken reads back", arguments: 0..<4)
    func requests(part: UInt64) {
        var random = SeededGenerator(seed: 0xC41E_0000 + part)
        var taken = 0
        for _ in 0..<12_000 {
            let given = Self.input(&random)
            let isWebhook = Int.random(in: 0..<6, using: &random) == 0
            do throws(GatewayError) {
                let intake = PublishIntake()
                let result = isWebhook ? try AlertmanagerIntake(intake).read(given) : try intake.read(given)
                for request in result.requests { taken += check(request) ? 1 : 0 }
            } catch {
                #expect((try? JSONValue.parse(error.body)) != nil)
            }
        }
        #expect(taken > 500, "the mutations are too wild to test what is taken")
    }

    @Test("frames of any kind are refused or taken", arguments: 0..<2)
    func frames(part: UInt64) {
        let frames =
            Self.objects.prefix(3).map { #"{"op":"publish","ref":"r","# + $0.dropFirst() } + [
                #"{"op":"subscribe","topics":["a","b"],"since":"10m","ref":"r","filter":{"priority":[4,"max"],"tags":["x"],"title":"T"}}"#,
                #"{"op":"subscribe","topics":["*"],"since":"00000A00000z"}"#,
                #"{"op":"unsubscribe","topics":["a"],"ref":"é"}"#,
                #"{"op":"auth","token":"t"}"#, #"{"op":"ping","ref":"1"}"#,
            ]
        var random = SeededGenerator(seed: 0xC41E_1000 + part)
        var taken = 0
        for _ in 0..<12_000 {
            let bytes = Self.mutated(Array(Self.pick(frames, &random).utf8), &random)
            do throws(DuplexRequest.Refusal) {
                let request = try DuplexRequest(bytes, intake: PublishIntake(), limits: ReadLimits(), now: now)
                taken += 1
                if case .publish(let alert) = request.operation { check(alert) }
            } catch {
                #expect((try? JSONValue.parse(error.error.frame(ref: error.ref))) != nil)
            }
        }
        #expect(taken > 500)
    }

    @Test("reading requests of any kind are refused or taken")
    func reading() {
        var random = SeededGenerator(seed: 0xC41E_2000)
        let names = ["since", "poll", "priority", "p", "tags", "title", "m", "scheduled", "last-event-id", "si"]
        let texts = Self.values + ["all", "latest", "none", "00000A00000z", "zzzzzzzzzzzz", "10m", "4,5", "1", "0"]
        var taken = 0
        for _ in 0..<12_000 {
            var query = ""
            var headers: [(name: String, value: String)] = []
            for _ in 0..<Int.random(in: 0..<4, using: &random) {
                let (name, text) = (Self.pick(names, &random), Self.pick(texts, &random))
                if Bool.random(using: &random) { headers.append((name, text)) } else { query += "&\(name)=\(text)" }
            }
            let topics = Self.mutated(Array(Self.pick(["a", "a,b", "*", "a,b,c,d"], &random).utf8), &random)
            let fields = RequestFields(headers: headers, query: Query.parse(query))
            let request = try? ReadRequest(
                topics: String(decoding: topics, as: UTF8.self), form: .jsonLines, fields: fields, now: now,
                limits: ReadLimits())
            if let request {
                taken += 1
                #expect(!request.interest.topics.names.isEmpty)
            }
        }
        #expect(taken > 500)
    }

    /// - Returns: `true`, for counting.
    @discardableResult
    private func check(_ request: AlertRequest) -> Bool {
        let draft = Draft(
            topic: request.topic, content: request.content, time: now, sender: "s", region: "r", key: request.key)
        let object = (try? JSONValue.parse(draft.encoded))?.objectValue
        let message = object?["message"]?.stringValue
        #expect(message.map { Array($0.utf8) } == Array(request.content.message.utf8))
        #expect(object?["topic"]?.stringValue == request.topic.name)
        #expect(object?["title"]?.stringValue == request.content.title)
        #expect(request.content.message.utf8.count <= 4096)
        #expect((request.content.title?.utf8.count ?? 0) <= 256)
        if let due = request.due {
            #expect(due.milliseconds - now.milliseconds >= 1000)
            #expect(due.milliseconds - now.milliseconds <= 259_200_000)
        }
        if let key = request.key { #expect((1...128).contains(key.utf8.count)) }
        return true
    }
}

// Making the inputs.
extension PublishIntakeFuzzTests {
    private static func pick<Element>(_ list: [Element], _ random: inout SeededGenerator) -> Element {
        list[Int.random(in: 0..<list.count, using: &random)]
    }

    private static func input(_ random: inout SeededGenerator) -> PublishInput {
        var headers: [(String, String)] = []
        let type = pick(types, &random)
        if !type.isEmpty { headers.append(("content-type", type)) }
        if Int.random(in: 0..<4, using: &random) == 0 {
            headers += [("ce-specversion", "1.0"), ("ce-id", "1"), ("ce-source", "/s"), ("ce-type", "t")]
        }
        for _ in 0..<Int.random(in: 0..<3, using: &random) {
            headers.append((pick(names, &random), pick(values, &random)))
        }
        var query = ""
        if Int.random(in: 0..<4, using: &random) == 0 { query = "\(pick(names, &random))=\(pick(values, &random))" }
        var result = GatewayTests.input(headers: headers, query: query)
        if Bool.random(using: &random) { result.topic = nil }
        var body = Array(pick(objects, &random).utf8)
        if type.contains("batch") { body = Array("[".utf8) + body + Array("]".utf8) }
        result.body = mutated(body, &random)
        return result
    }

    /// None to three mutations: a byte changed, taken out or put in, a part repeated, cut off, or a value replaced.
    static func mutated(_ bytes: [UInt8], _ random: inout SeededGenerator) -> [UInt8] {
        var bytes = bytes
        for _ in 0..<Int.random(in: 0...3, using: &random) where !bytes.isEmpty {
            let at = Int.random(in: 0..<bytes.count, using: &random)
            switch Int.random(in: 0..<12, using: &random) {
            case 0: bytes[at] = UInt8.random(in: 0...255, using: &random)
            case 1: bytes.remove(at: at)
            case 2: bytes.insert(UInt8.random(in: 0x20...0x7E, using: &random), at: at)
            case 3: bytes.removeLast(bytes.count - at)
            case 4: bytes += bytes[at...]
            default: replaceValue(in: &bytes, from: at, &random)
            }
        }
        return bytes
    }

    private static func replaceValue(in bytes: inout [UInt8], from start: Int, _ random: inout SeededGenerator) {
        let value = pick(values, &random)
        let text = pick([JSONValue.string(value).description, value, "null", "[]", "{}", "1e999"], &random)
        guard let colon = bytes[start...].firstIndex(of: UInt8(ascii: ":")),
            let end = bytes[colon...].firstIndex(where: { $0 == UInt8(ascii: ",") || $0 == UInt8(ascii: "}") })
        else { return }
        bytes.replaceSubrange((colon + 1)..<end, with: Array(text.utf8))
    }
}
