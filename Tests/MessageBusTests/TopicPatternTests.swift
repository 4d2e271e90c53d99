import MessageBus
import Testing

@Suite struct TopicPatternTests {
    private static func topic(_ name: String) throws -> Topic { try #require(Topic(name)) }

    @Test(
        "a topic, the beginning of one with * behind it, and * are patterns, and are written as they were read",
        arguments: ["alarms", "a", "_crier", "alarms-*", "_room-*", "*", String(repeating: "x", count: 64)])
    func patterns(text: String) throws {
        #expect(try #require(TopicPattern(text)).description == text)
    }

    @Test(
        "anything else is none",
        arguments: [
            "", "**", "a**", "*a", "a*b", "a b", "a,b", "ä*", "a*\n", "a/*", ".*", "a\u{0}*", "*\u{301}",
            String(repeating: "x", count: 65), String(repeating: "x", count: 65) + "*",
        ])
    func none(text: String) {
        #expect(TopicPattern(text) == nil)
    }

    @Test(
        "it matches its topic, or every topic that begins so",
        arguments: [
            ("alarms", "alarms", true), ("alarms", "alarms-1", false), ("alarms", "alarm", false),
            ("alarms", "Alarms", false), ("alarms-*", "alarms-1", true), ("alarms-*", "alarms-", true),
            ("alarms-*", "alarms", false), ("alarms-*", "Alarms-1", false), ("alarms-*", "x-alarms-1", false),
            ("*", "alarms", true), ("*", "_crier", true),
        ])
    func matches(pattern: String, name: String, matches: Bool) throws {
        #expect(try #require(TopicPattern(pattern)).matches(try Self.topic(name)) == matches)
    }

    @Test(
        "two patterns have the narrower one in common, or nothing",
        arguments: [
            ("a", "a", "a"), ("a", "b", nil), ("a", "*", "a"), ("a*", "ab", "ab"), ("a*", "a", "a"), ("ab*", "a", nil),
            ("a*", "ab*", "ab*"), ("ab*", "ac*", nil), ("*", "*", "*"), ("*", "a*", "a*"), ("ab", "a", nil),
        ] as [(String, String, String?)])
    func intersection(one: String, other: String, common: String?) throws {
        let (one, other) = (try #require(TopicPattern(one)), try #require(TopicPattern(other)))
        #expect(one.intersection(other)?.description == common)
        #expect(other.intersection(one)?.description == common)
    }

    @Test("what two patterns have in common is what both match")
    func intersectionIsBoth() throws {
        let texts = ["*", "a", "a*", "ab", "ab*", "abc", "b", "b*"]
        let names = ["a", "ab", "abc", "abcd", "b", "ba", "c"]
        for one in texts.compactMap(TopicPattern.init) {
            for other in texts.compactMap(TopicPattern.init) {
                for topic in names.compactMap(Topic.init) {
                    let both = one.matches(topic) && other.matches(topic)
                    #expect((one.intersection(other)?.matches(topic) ?? false) == both, "\(one) \(other) \(topic.name)")
                }
            }
        }
    }
}
