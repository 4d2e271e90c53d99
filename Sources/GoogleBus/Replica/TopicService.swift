import MessageBus

/// What a replica asks of Pub/Sub, about one topic. Every method ends within four seconds, `pull` excepted.
protocol TopicService: Sendable {
    /// - Returns: `nil` where there is no such topic.
    func topic() async throws(PubSubError) -> TopicState?
    /// Has no effect where the topic is there.
    func createTopic(retention: Duration) async throws(PubSubError)
    func setTopicRetention(_ retention: Duration) async throws(PubSubError)

    /// - Throws: `.alreadyExists` where there is one of that name.
    func createSubscription(_ name: String, labels: [String: String]) async throws(PubSubError)
    /// - Returns: `nil` where there is none of that name.
    func subscription(_ name: String) async throws(PubSubError) -> SubscriptionState?
    /// - Returns: whether it was there.
    func deleteSubscription(_ name: String) async throws(PubSubError) -> Bool
    /// The names of the topic's subscriptions.
    func subscriptions() async throws(PubSubError) -> [String]
    /// Lets a subscription go on with what the topic retains from a time on.
    func seek(_ name: String, to time: WallTime) async throws(PubSubError)

    /// - Returns: the messages' ids.
    func publish(_ messages: [OutgoingMessage]) async throws(PubSubError) -> [String]
    /// Waits for messages, in one request. None come where none came in time.
    func pull(_ name: String, atMost count: Int, within bound: Duration) async throws(PubSubError) -> [ReceivedMessage]
    func acknowledge(_ ackIDs: [String], on name: String) async throws(PubSubError)

    func shutdown() async
}
