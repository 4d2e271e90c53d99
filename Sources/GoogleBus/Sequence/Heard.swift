import MessageBus

/// A word as it came out of the topic.
struct Heard: Sendable, Equatable {
    /// When Pub/Sub took it, by its clock: the same for all who hear it.
    let time: WallTime
    let word: Word
}
