import MessageBus
import Testing

@testable import Broadcasting

@Suite struct TopicScopeTests {
    private static func scope(_ rules: (String, Bool)...) throws -> TopicScope {
        TopicScope(try rules.map { TopicScope.Rule(try #require(TopicPattern($0.0)), isIncluded: $0.1) })
    }

    private static func draft(_ topic: String) throws -> Draft {
        Draft(
            topic: try #require(Topic(topic)), content: AlertContent(message: "x"), time: WallTime(seconds: 1),
            sender: nil, region: "local")
    }

    @Test("the first rule that matches a topic decides, and one that none matches is included")
    func order() throws {
        let scope = try Self.scope(("a-x", true), ("a-*", false), ("a-y", true))
        for (name, isIncluded) in [("a-x", true), ("a-y", false), ("a-", false), ("a", true), ("b", true)] {
            #expect(scope.includes(try #require(Topic(name))) == isIncluded, "\(name)")
        }
        #expect(TopicScope.everything.includes(.control))
    }

    @Test("it holds a reader of all topics, and none of named ones")
    func interest() throws {
        let scope = try Self.scope(("secret", false))
        let all = Interest(topics: .all, scope: scope)
        #expect(all.includes(try Self.draft("open")))
        #expect(!all.includes(try Self.draft("secret")))
        #expect(!all.isUnfiltered)
        let named = Interest(topics: .some([try #require(Topic("secret"))]), scope: scope)
        #expect(named.includes(try Self.draft("secret")))
        #expect(named.isUnfiltered)
    }

    @Test("readers of different scopes do not share an audience")
    func audiences() throws {
        let one = Interest(topics: .all, scope: try Self.scope(("a", false)))
        let other = Interest(topics: .all, scope: try Self.scope(("b", false)))
        #expect(one != other)
        #expect(one == Interest(topics: .all, scope: try Self.scope(("a", false))))
        let topics = Interest.Topics.some([try #require(Topic("a"))])
        #expect(Interest(topics: topics, scope: one.scope) == Interest(topics: topics, scope: other.scope))
    }
}
