import MessageBus
import NIOHTTP1
import StrictJSON
import Testing

@testable import GoogleBus

@Suite struct PubSubRequestTests {
    private let root = "/v1/projects/crier-test"

    private func json(_ text: String) throws -> JSONValue { try JSONValue.parse(text) }

    @Test("a topic is looked at, made with its retention and changed")
    func topic() async throws {
        try await APIFixture.with(
            .by { _ in
                .reply(
                    #"{"name":"projects/crier-test/topics/ALIEN_NOTIFICATIONS","messageRetentionDuration":"600.5s"}"#)
            }
        ) { (api, server) async throws in
            #expect(try await api.topic() == TopicState(messageRetention: .milliseconds(600_500)))
            try await api.createTopic(retention: .seconds(3600))
            try await api.setTopicRetention(.milliseconds(600_001))
            let requests = server.requests
            #expect(requests.map(\.method) == [.GET, .PUT, .PATCH])
            #expect(Set(requests.map(\.path)) == ["\(root)/topics/ALIEN_NOTIFICATIONS"])
            #expect(try json(requests[1].text) == json(#"{"messageRetentionDuration":"3600s"}"#))
            #expect(
                try json(requests[2].text)
                    == json(
                        #"{"topic":{"name":"projects/crier-test/topics/ALIEN_NOTIFICATIONS","messageRetentionDuration":"601s"},"updateMask":"message_retention_duration"}"#
                    ))
            #expect(requests.allSatisfy { !$0.headers.contains(name: "Authorization") })
        }
    }

    @Test("with a region, the topic's messages are kept there alone")
    func region() async throws {
        var configuration = APIFixture.configuration
        configuration.region = "europe-west1"
        try await LoopbackServer.with { server in
            try await APIFixture.with(configuration, on: server) { (api) async throws in
                try await api.createTopic(retention: .seconds(600))
            }
            #expect(
                try json(server.requests[0].text)
                    == json(
                        #"{"messageRetentionDuration":"600s","messageStoragePolicy":{"allowedPersistenceRegions":["europe-west1"]}}"#
                    ))
        }
    }

    @Test("a topic that is not there is nil, one that is there already counts as made")
    func absence() async throws {
        try await APIFixture.with(
            .by { request in
                request.method == .PUT
                    ? .reply(409, errorBody(409, "ALREADY_EXISTS", "exists"))
                    : .reply(404, errorBody(404, "NOT_FOUND", "no"))
            }
        ) { (api, _) async throws in
            #expect(try await api.topic() == nil)
            try await api.createTopic(retention: .seconds(600))
            #expect(try await api.subscription("ID_a") == nil)
            #expect(try await api.deleteSubscription("ID_a") == false)
            #expect(
                await failure { try await api.createSubscription("ID_a", labels: [:]) }?
                    .code == .alreadyExists)
            #expect(
                await failure {
                    try await api.publish([OutgoingMessage(data: [1], attributes: [:], orderingKey: "")])
                }?.code == .notFound)
        }
    }

    @Test("a subscription is made with ordering, 10 minutes of messages and a day of life")
    func subscription() async throws {
        try await APIFixture.with(
            .by { _ in
                .reply(#"{"name":"n","topic":"projects/crier-test/topics/ALIEN_NOTIFICATIONS","labels":{"boot":"b1"}}"#)
            }
        ) { (api, server) async throws in
            try await api.createSubscription("ID_a+%~", labels: ["boot": "b1"])
            try await api.createSubscription("ID_b", labels: [:], ackDeadline: 60)
            #expect(
                try await api.subscription("ID_b")
                    == SubscriptionState(
                        labels: ["boot": "b1"], topic: "projects/crier-test/topics/ALIEN_NOTIFICATIONS"))
            #expect(try await api.deleteSubscription("ID_b"))
            try await api.seek("ID_b", to: WallTime(milliseconds: 1_800_000_000_123))
            let requests = server.requests
            #expect(requests.map(\.method) == [.PUT, .PUT, .GET, .DELETE, .POST])
            #expect(
                requests.map { $0.path.dropFirst(root.count) } == [
                    "/subscriptions/ID_a%2B%25~", "/subscriptions/ID_b", "/subscriptions/ID_b", "/subscriptions/ID_b",
                    "/subscriptions/ID_b:seek",
                ])
            #expect(
                try json(requests[0].text)
                    == json(
                        #"{"topic":"projects/crier-test/topics/ALIEN_NOTIFICATIONS","ackDeadlineSeconds":10,"retainAckedMessages":false,"messageRetentionDuration":"600s","enableMessageOrdering":true,"expirationPolicy":{"ttl":"86400s"},"labels":{"boot":"b1"}}"#
                    ))
            #expect(requests[1].text.contains(#""ackDeadlineSeconds":60"#))
            #expect(requests[4].text == #"{"time":"2027-01-15T08:00:00.123Z"}"#)
        }
    }

    @Test("all pages of subscriptions are read, and other projects' are left out")
    func pages() async throws {
        try await APIFixture.with(
            .by { request in
                if request.path.hasSuffix("pageToken=a%2Fb%3D") {
                    return .reply(#"{"subscriptions":["projects/crier-test/subscriptions/ID_c"],"nextPageToken":"c"}"#)
                }
                if request.path.hasSuffix("pageToken=c") { return .reply("{}") }
                return .reply(
                    #"{"subscriptions":["projects/crier-test/subscriptions/ID_a","projects/other/subscriptions/ID_b"],"nextPageToken":"a/b="}"#
                )
            }
        ) { (api, server) async throws in
            #expect(try await api.subscriptions() == ["ID_a", "ID_c"])
            #expect(server.requests.count == 3)
            #expect(server.requests[0].path == "\(root)/topics/ALIEN_NOTIFICATIONS/subscriptions?pageSize=1000")
        }
    }

    @Test("a list of subscriptions without an end is given up")
    func endless() async throws {
        try await APIFixture.with(
            .by { _ in
                .reply(#"{"subscriptions":["projects/crier-test/subscriptions/ID_a"],"nextPageToken":"again"}"#)
            }
        ) { (api, server) async throws in
            #expect(await failure { try await api.subscriptions() }?.code == .backend)
            #expect(server.requests.count == 100)
        }
    }

    @Test("messages are published in one request, in order, and named in the answer")
    func publish() async throws {
        try await APIFixture.with(.by { _ in .reply(#"{"messageIds":["1","2","3"]}"#) }) { (api, server) async throws in
            let messages = [
                OutgoingMessage(data: Array("ab".utf8), attributes: ["k": "v\n\"ü"], orderingKey: "log"),
                OutgoingMessage(data: [0xFF, 0xFE, 0], attributes: [:], orderingKey: ""),
                OutgoingMessage(data: [], attributes: ["a": ""], orderingKey: "log"),
            ]
            #expect(try await api.publish(messages) == ["1", "2", "3"])
            #expect(
                try json(server.requests[0].text)
                    == json(
                        #"{"messages":[{"data":"YWI=","attributes":{"k":"v\n\"ü"},"orderingKey":"log"},{"data":"//4A"},{"attributes":{"a":""},"orderingKey":"log"}]}"#
                    ))
            #expect(server.requests[0].path == "\(root)/topics/ALIEN_NOTIFICATIONS:publish")
            #expect(server.requests[0].headers["Content-Type"] == ["application/json"])
            #expect(try await api.publish([]) == [])
            #expect(server.requests.count == 1)
            let error = await failure { try await api.publish([messages[0]]) }
            #expect(error?.code == .backend)
            #expect(error?.isOutcomeUnknown == true)
        }
    }

    @Test("messages that are pulled have all that came with them")
    func pull() async throws {
        try await APIFixture.with(
            .by { _ in
                .reply(
                    #"{"receivedMessages":[{"ackId":"a1","message":{"data":"//4A","attributes":{"k":"ü"},"messageId":"7","publishTime":"2027-01-15T08:00:00.123456789Z","orderingKey":"log"},"deliveryAttempt":1},{"ackId":"a2","message":{"messageId":"8","publishTime":"2027-01-15T08:00:00Z"}}]}"#
                )
            }
        ) { (api, server) async throws in
            let messages = try await api.pull("ID_a", atMost: 5000, within: .seconds(30))
            try #require(messages.count == 2)
            #expect(messages[0].ackID == "a1")
            #expect(messages[0].messageID == "7")
            #expect(messages[0].publishTime == WallTime(milliseconds: 1_800_000_000_123))
            #expect(messages[0].attributes == ["k": "ü"])
            #expect(messages[0].data == [0xFF, 0xFE, 0])
            #expect(messages[1].attributes == [:])
            #expect(messages[1].data == [])
            #expect(server.requests[0].text == #"{"maxMessages":1000}"#)
            #expect(server.requests[0].path == "\(root)/subscriptions/ID_a:pull")
            #expect(server.requests[0].headers["X-Server-Timeout"] == ["30"])
        }
    }

    @Test("a pull that waited in vain is empty", arguments: ["{}", #"{"receivedMessages":[]}"#, "504", "504 HTML"])
    func emptyPull(answer: String) async throws {
        try await APIFixture.with(
            .by { _ in
                switch answer {
                case "504": .reply(504, errorBody(504, "DEADLINE_EXCEEDED", "late"))
                case "504 HTML": .reply(504, "<html>")
                default: .reply(answer)
                }
            }
        ) { (api, _) async throws in
            #expect(try await api.pull("ID_a", atMost: 10, within: .seconds(1)) == [])
        }
    }

    @Test("acknowledgements go in as many requests as Google's bounds ask for")
    func acknowledge() async throws {
        try await APIFixture.with(.by { _ in .reply() }) { (api, server) async throws in
            try await api.acknowledge([], on: "ID_a")
            #expect(server.requests.isEmpty)
            try await api.acknowledge(["a", "b\""], on: "ID_a")
            #expect(server.requests[0].text == #"{"ackIds":["a","b\""]}"#)
            #expect(server.requests[0].path == "\(root)/subscriptions/ID_a:acknowledge")
            let long = String(repeating: "x", count: 200)
            let ids = (0..<6000).map { "\(long)\($0)" }
            try await api.acknowledge(ids, on: "ID_a")
            let batches = server.requests.dropFirst(1)
            #expect(batches.count == 3)
            #expect(batches.allSatisfy { $0.body.count < 524_288 })
            let sent = try batches.flatMap { try json($0.text).objectValue?["ackIds"]?.arrayValue ?? [] }
            #expect(sent.compactMap(\.stringValue) == ids)
        }
    }

    @Test("batches of acknowledgements hold all, in order, within the bounds")
    func batches() {
        let lengths = [1, 200, 5_000, 499_997, 600_000, 3]
        let ids = (0..<9000).map { String(repeating: "x", count: $0 % 1000 == 999 ? lengths[$0 / 1000 % 6] : 20) }
        let batches = Array(AckBatches(ids))
        #expect(batches.flatMap { $0 } == ids)
        for batch in batches {
            #expect(batch.count <= 2_500)
            #expect(batch.count == 1 || batch.reduce(0) { $0 + $1.utf8.count + 3 } <= 500_000)
        }
        #expect(Array(AckBatches([])).isEmpty)
    }
}

extension SubscriptionState {
    fileprivate init(labels: [String: String], topic: String) {
        let members: [(key: String, value: JSONValue)] = [
            ("topic", .string(topic)), ("labels", .object(JSONObject(labels.map { ($0.key, .string($0.value)) }))),
        ]
        guard let state = SubscriptionState(JSONObject(members)) else { preconditionFailure("a subscription") }
        self = state
    }
}
