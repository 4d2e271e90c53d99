import MessageBus

/// How much a VM has heard: of two that disagree about the log, the one that has listened for longer is right, since it may know of keys that
/// the other one cannot know of.
struct Authority: Sendable, Equatable {
    /// The time, by Pub/Sub's clock, of the first message that it knows of.
    let since: WallTime
    /// Decides between those who began with the same message.
    let boot: String

    func prevails(over other: Authority) -> Bool { (since, boot) < (other.since, other.boot) }
}
