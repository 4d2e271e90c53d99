import MessageBus
import NIOConcurrencyHelpers

@testable import GoogleBus

/// Pub/Sub with the faults that a network or the service itself may have.
final class FaultyService: TopicService {
    struct Faults: Sendable {
        /// Acknowledgements that are answered, and lost.
        var lostAcknowledgements = 0
        /// Publishes that are carried out, and whose answers are lost.
        var lostAnswers = 0
        /// The keys of alerts that are not handed on although they were delivered, each once.
        var lostKeys: Set<String> = []
        /// The key of an alert that is never handed on, however often it is delivered.
        var swallowedKey: String?
        /// Whether nothing is delivered any more, without an error.
        var isDeaf = false
    }

    private let service: any TopicService
    private let faults: NIOLockedValueBox<Faults>

    init(_ service: any TopicService, _ faults: Faults = Faults()) {
        self.service = service
        self.faults = NIOLockedValueBox(faults)
    }

    func set(_ change: (inout Faults) -> Void) { faults.withLockedValue { change(&$0) } }

    /// Whether a fault is due, which is then one fewer.
    private func isDue(_ fault: WritableKeyPath<Faults, Int>) -> Bool {
        faults.withLockedValue { faults in
            guard faults[keyPath: fault] > 0 else { return false }
            faults[keyPath: fault] -= 1
            return true
        }
    }

    private func isLost(_ key: String?) -> Bool {
        guard let key else { return false }
        return faults.withLockedValue { $0.lostKeys.remove(key) != nil || $0.swallowedKey == key }
    }

    func publish(_ messages: [OutgoingMessage]) async throws(PubSubError) -> [String] {
        let ids = try await service.publish(messages)
        let hasAlert = messages.contains { $0.attributes["kind"] == "alert" }
        if hasAlert && isDue(\.lostAnswers) { throw Self.lost }
        return ids
    }

    func pull(_ name: String, atMost count: Int, within bound: Duration) async throws(PubSubError) -> [ReceivedMessage]
    {
        while faults.withLockedValue({ $0.isDeaf }) {
            do { try await ContinuousClock().sleep(for: .milliseconds(50)) } catch { throw Self.lost }
        }
        let messages = try await service.pull(name, atMost: count, within: bound)
        let lost = Set(messages.filter { isLost($0.attributes["key"]) }.map(\.ackID))
        if !lost.isEmpty { try await service.acknowledge(Array(lost), on: name) }
        return messages.filter { !lost.contains($0.ackID) }
    }

    func acknowledge(_ ackIDs: [String], on name: String) async throws(PubSubError) {
        if isDue(\.lostAcknowledgements) { return }
        try await service.acknowledge(ackIDs, on: name)
    }

    private static let lost = PubSubError(.unavailable, "the answer is lost")

    func topic() async throws(PubSubError) -> TopicState? { try await service.topic() }
    func createTopic(retention: Duration) async throws(PubSubError) {
        try await service.createTopic(retention: retention)
    }
    func setTopicRetention(_ retention: Duration) async throws(PubSubError) {
        try await service.setTopicRetention(retention)
    }
    func createSubscription(_ name: String, labels: [String: String]) async throws(PubSubError) {
        try await service.createSubscription(name, labels: labels)
    }
    func subscription(_ name: String) async throws(PubSubError) -> SubscriptionState? {
        try await service.subscription(name)
    }
    func deleteSubscription(_ name: String) async throws(PubSubError) -> Bool {
        try await service.deleteSubscription(name)
    }
    func subscriptions() async throws(PubSubError) -> [String] { try await service.subscriptions() }
    func seek(_ name: String, to time: WallTime) async throws(PubSubError) { try await service.seek(name, to: time) }
    func shutdown() async { await service.shutdown() }
}
