import Broadcasting
import MessageBus
import Testing

@testable import Gateway

@Suite struct TopicRightsTests {
    private static let user = Identity(standing: .user(name: "Ada"))

    private static func rights(
        publish: String = "", subscribe: String = "", needsToken: Bool = false
    ) throws -> TopicRights {
        TopicRights(
            publish: try #require(TopicRights.rules(publish)), subscribe: try #require(TopicRights.rules(subscribe)),
            needsToken: needsToken)
    }

    private static func granted(
        publish: [String] = [], subscribe: [String] = [], _ standing: Identity.Standing = .user(name: "Ada")
    ) -> Identity {
        Identity(
            standing: standing,
            grants: Grants(
                publish: publish.compactMap(TopicPattern.init), subscribe: subscribe.compactMap(TopicPattern.init)))
    }

    /// The number of the refusal; `nil` where there is none.
    private static func publishing(_ rights: TopicRights, _ topic: String, _ identity: Identity) throws -> Int? {
        let topic = try #require(Topic(topic))
        do throws(GatewayError) { try rights.checkPublishing(on: topic, by: identity) } catch {
            return error.code.number
        }
        return nil
    }

    private static func reading(_ rights: TopicRights, _ topic: String, _ identity: Identity) throws -> Int? {
        let topic = try #require(Topic(topic))
        do throws(GatewayError) { try rights.checkReading(of: topic, by: identity) } catch { return error.code.number }
        return nil
    }

    @Test(
        "who may what is asked of: 401 for the unknown, 403 for the known",
        arguments: [
            ("anyone", nil, nil, nil), ("user", 40101, nil, nil), ("token", 40101, 40302, nil),
            ("nobody", 40302, 40302, 40302),
        ] as [(String, Int?, Int?, Int?)])
    func requirements(requirement: String, anonymous: Int?, user: Int?, publisher: Int?) throws {
        let rights = try Self.rights(publish: "t=\(requirement)", subscribe: "t=\(requirement)")
        for (identity, code) in [(Identity.anonymous, anonymous), (Self.user, user), (.publisher, publisher)] {
            #expect(try Self.publishing(rights, "t", identity) == code, "\(identity.standing)")
            #expect(try Self.reading(rights, "t", identity) == code, "\(identity.standing)")
            let isRead = rights.scope(for: identity).includes(try #require(Topic("t")))
            #expect(isRead == (code == nil), "\(identity.standing)")
        }
    }

    @Test("a grant opens what asks for a user or for the token, and not what is nobody's")
    func grants() throws {
        for (requirement, code) in [("anyone", nil), ("user", nil), ("token", nil), ("nobody", 40302)]
            as [(String, Int?)]
        {
            let rights = try Self.rights(publish: "t-*=\(requirement)", subscribe: "t-*=\(requirement)")
            for pattern in ["t-1", "t-*", "*"] {
                let identity = Self.granted(publish: [pattern], subscribe: [pattern])
                #expect(try Self.publishing(rights, "t-1", identity) == code, "\(requirement) \(pattern)")
                #expect(try Self.reading(rights, "t-1", identity) == code, "\(requirement) \(pattern)")
            }
        }
        let rights = try Self.rights(publish: "t-*=token", subscribe: "t-*=token")
        // To publish is not to read, and the one topic not the other.
        #expect(try Self.reading(rights, "t-1", Self.granted(publish: ["t-1"])) == 40302)
        #expect(try Self.publishing(rights, "t-1", Self.granted(subscribe: ["t-1"])) == 40302)
        #expect(try Self.publishing(rights, "t-2", Self.granted(publish: ["t-1"])) == 40302)
    }

    @Test("the first rule decides")
    func order() throws {
        let rights = try Self.rights(publish: "a-x=nobody, a-*=anyone, a-y=nobody, *=token")
        #expect(try Self.publishing(rights, "a-x", .publisher) == 40302)
        #expect(try Self.publishing(rights, "a-y", .anonymous) == nil)
        #expect(try Self.publishing(rights, "b", .anonymous) == 40101)
        #expect(try Self.publishing(rights, "b", Self.user) == 40302)
        #expect(try Self.publishing(rights, "b", .publisher) == nil)
    }

    @Test("without rules all is open but the rooms, which are users', and with a publish token publishing needs it")
    func standard() throws {
        for (needsToken, open) in [(false, nil), (true, 40101)] as [(Bool, Int?)] {
            let rights = try Self.rights(needsToken: needsToken)
            #expect(try Self.publishing(rights, "t", .anonymous) == open)
            #expect(try Self.reading(rights, "t", .anonymous) == nil)
            #expect(try Self.publishing(rights, "_room-ams", .anonymous) == 40101)
            #expect(try Self.reading(rights, "_room-ams", .anonymous) == 40101)
            #expect(try Self.publishing(rights, "_room-ams", Self.user) == nil)
            #expect(try Self.reading(rights, "_room-vm-1", Self.user) == nil)
        }
    }

    @Test(
        "the VMs' own topic is nobody's, whatever the rules and the grants say",
        arguments: ["", "_crier=anyone", "*=anyone", "_cr*=user", "_crier=token"])
    func fixed(rules: String) throws {
        let rights = try Self.rights(publish: rules, subscribe: rules)
        let all = ["*", "_*", "_crier"]
        for identity in [
            .anonymous, Self.user, .publisher, Self.granted(publish: all, subscribe: all),
            Self.granted(publish: all, subscribe: all, .publisher),
        ] {
            #expect(try Self.publishing(rights, "_crier", identity) == 40302)
            #expect(try Self.reading(rights, "_crier", identity) == 40302)
            #expect(!rights.scope(for: identity).includes(.control))
            #expect(rights.readable(.some([.control]), by: identity) == nil)
        }
    }

    @Test("all topics are exactly those that may be read by name")
    func scope() throws {
        let texts = [
            "", "a=nobody", "a*=user", "a*=token,ab=nobody", "ab=nobody,*=token", "ab*=token,a*=nobody,*=user",
        ]
        let patterns = [[], ["a"], ["*"], ["a*"], ["ab*", "b"], ["abc"], ["_room-*"]]
        let names = ["a", "ab", "abc", "b", "_crier", "_room-x"]
        for text in texts {
            let rights = try Self.rights(subscribe: text)
            for grants in patterns {
                for standing in [.anonymous, .user(name: "Ada"), .publisher] as [Identity.Standing] {
                    let identity = Self.granted(subscribe: grants, standing)
                    let scope = rights.scope(for: identity)
                    for name in names {
                        let mayRead = try Self.reading(rights, name, identity) == nil
                        #expect(
                            scope.includes(try #require(Topic(name))) == mayRead,
                            "\(text) \(grants) \(standing) \(name)")
                    }
                }
            }
        }
    }

    @Test("what is followed is held to what may be read")
    func readable() throws {
        let rights = try Self.rights(subscribe: "a=user,b=token")
        let (a, b, c) = (try #require(Topic("a")), try #require(Topic("b")), try #require(Topic("c")))
        #expect(rights.readable(.some([a, b, c]), by: .anonymous) == .some([c]))
        #expect(rights.readable(.some([a, b, c]), by: Self.user) == .some([a, c]))
        #expect(rights.readable(.some([a, b]), by: .anonymous) == nil)
        #expect(rights.readable(.all, by: .anonymous) == .all)
    }

    @Test("one topic of several that may not be read refuses all, and all topics may be asked for")
    func several() throws {
        let rights = try Self.rights(subscribe: "b=user")
        let topics = Set(try ["a", "b"].map { try #require(Topic($0)) })
        #expect(throws: GatewayError.self) { try rights.checkReading(of: .some(topics), by: .anonymous) }
        try rights.checkReading(of: .some(topics), by: Self.user)
        try rights.checkReading(of: .all, by: .anonymous)
    }

    @Test("someone to whom nothing is open is told so before the body is read")
    func anything() throws {
        let rights = try Self.rights(publish: "_room-*=user", needsToken: true)
        #expect(throws: GatewayError.self) { try rights.checkPublishing(by: .anonymous) }
        try rights.checkPublishing(by: Self.user)
        try rights.checkPublishing(by: .publisher)
        try rights.checkPublishing(by: Self.granted(publish: ["x"], .anonymous))
    }

    @Test("a refusal says what is needed")
    func reasons() throws {
        let rights = try Self.rights(publish: "u=user,t=token,n=nobody")
        for (topic, identity, words) in [
            ("u", Identity.anonymous, ["publish on u", "sign in"]), ("t", .anonymous, ["publish on t", "token"]),
            ("t", Self.user, ["Ada", "publish on t", "token"]), ("n", Self.user, ["Ada", "nobody may publish on n"]),
        ] {
            let name = try #require(Topic(topic))
            let error = #expect(throws: GatewayError.self) { try rights.checkPublishing(on: name, by: identity) }
            for word in words { #expect(error?.message.contains(word) == true, "\(error?.message ?? "")") }
        }
    }

    @Test("rules are read with blanks around them")
    func parsing() throws {
        let rules = try #require(TopicRights.rules(" alarms-* = token ,chat=user,\t*=anyone, x=nobody"))
        #expect(rules.map(\.pattern.description) == ["alarms-*", "chat", "*", "x"])
        #expect(rules.map(\.requirement) == [.token, .user, .anyone, .nobody])
        #expect(TopicRights.rules("") == [])
        #expect(TopicRights.rules(",") == [])
    }

    @Test(
        "what is no rule is refused",
        arguments: [
            "a", "a=", "=user", "a=users", "a=User", "a=user=user", "a b=user", "a;b=user", "a**=user", "a=user b=user",
            " ",
        ])
    func parseErrors(text: String) {
        #expect(TopicRights.rules(text) == nil)
    }
}
