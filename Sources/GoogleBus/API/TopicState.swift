/// What Crier has to know of its topic.
struct TopicState: Sendable, Equatable {
    /// How long the topic keeps messages, read or not; `nil`: it does not.
    let messageRetention: Duration?
}
