extension PubSubAPI: TopicService {
    func createSubscription(_ name: String, labels: [String: String]) async throws(PubSubError) {
        try await createSubscription(name, labels: labels, ackDeadline: 10)
    }
}
