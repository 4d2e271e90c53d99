import CrierTesting
import MessageBus
import Testing

@testable import GoogleBus

@Suite(.serialized, .enabled(if: PubSubEmulator.isInstalled, Comment(rawValue: PubSubEmulator.absence)))
struct EmulatorTests {
    private func with(_ body: (PubSubAPI) async throws -> Void) async throws {
        try await withEmulator { world in
            var configuration = APIFixture.configuration
            configuration.emulatorHost = world.emulator.host
            try await APIFixture.with(configuration, at: GoogleEndpoints(configuration), body)
        }
    }

    @Test("Google's emulator understands all that is asked of it")
    func everything() async throws {
        try await with { (api) async throws in
            #expect(try await api.topic() == nil)
            #expect(
                await failure { try await api.createSubscription("ID_a", labels: [:]) }?
                    .code == .notFound)
            try await api.createTopic(retention: .seconds(600))
            try await api.createTopic(retention: .seconds(600))
            #expect(try await api.topic() == TopicState(messageRetention: .seconds(600)))
            try await api.setTopicRetention(.seconds(700))
            #expect(try await api.topic() == TopicState(messageRetention: .seconds(700)))

            #expect(try await api.subscription("ID_a") == nil)
            for name in ["ID_a", "ID_b", "ID_c+d%~."] {
                try await api.createSubscription(name, labels: ["boot": "b-1"])
                #expect(
                    await failure {
                        try await api.createSubscription(name, labels: [:])
                    }?.code == .alreadyExists)
            }
            let state = try await api.subscription("ID_a")
            #expect(state?.labels == ["boot": "b-1"])
            #expect(state?.topic == "projects/crier-test/topics/ALIEN_NOTIFICATIONS")
            #expect(try await api.subscriptions().sorted() == ["ID_a", "ID_b", "ID_c+d%~."])
            #expect(try await api.deleteSubscription("ID_b"))
            #expect(try await api.deleteSubscription("ID_b") == false)
            #expect(try await api.subscriptions().sorted() == ["ID_a", "ID_c+d%~."])

            try await api.createSubscription("ID_slow", labels: [:], ackDeadline: 600)

            let messages = (0..<500).map { number in
                OutgoingMessage(
                    data: (0..<number % 50).map { UInt8(truncatingIfNeeded: $0 * number) },
                    attributes: ["n": String(number), "text": "ü\n\""], orderingKey: "log")
            }
            let ids = try await api.publish(messages)
            #expect(Set(ids).count == 500)
            var received: [ReceivedMessage] = []
            while received.count < 500 {
                let part = try await api.pull("ID_a", atMost: 1000, within: .seconds(60))
                try #require(!part.isEmpty)
                try await api.acknowledge(part.map(\.ackID), on: "ID_a")
                received += part
            }
            #expect(received.map(\.messageID) == ids)
            #expect(received.map(\.data) == messages.map(\.data))
            #expect(received.map(\.attributes) == messages.map(\.attributes))
            let now = WallClock.system.now()
            #expect(received.allSatisfy { abs($0.publishTime.milliseconds - now.milliseconds) < 600_000 })

            #expect(
                await failure { try await api.seek("ID_a", to: now) }?.code
                    == .unimplemented)
            #expect(
                await failure {
                    try await api.pull("ID_z", atMost: 1, within: .seconds(60))
                }?.code == .notFound)
        }
    }
}
