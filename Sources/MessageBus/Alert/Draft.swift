/// An alert before the bus has given it a place in the log: everything but its position.
///
/// A draft is immutable and shared by reference, and carries its JSON, encoded once when it is made: `encoded` is the
/// wire form of the alert without its `id`, which is also what the buses that cross VMs store.
public final class Draft: Sendable {
    public let topic: Topic
    /// When the VM that took it in accepted it.
    public let time: WallTime
    public let content: AlertContent
    /// Who raised it: set by the server, never by the payload.
    public let sender: String?
    /// The region of the VM that took it in.
    public let region: String
    /// The publisher's idempotency key, unique in its topic: repeating it raises nothing. `nil`: every publish counts.
    public let key: String?
    /// The alert's JSON object without `id`.
    public let encoded: [UInt8]

    public convenience init(
        topic: Topic, content: AlertContent, time: WallTime, sender: String?, region: String, key: String? = nil
    ) {
        self.init(
            topic: topic, content: content, time: time, sender: sender, region: region, key: key,
            encoded: content.encode(topic: topic, time: time, sender: sender, region: region))
    }

    /// For a draft whose JSON is there already: `encoded` has to be the encoding of the rest.
    init(
        topic: Topic, content: AlertContent, time: WallTime, sender: String?, region: String, key: String?,
        encoded: [UInt8]
    ) {
        self.topic = topic
        self.time = time
        self.content = content
        self.sender = sender
        self.region = region
        self.key = key
        self.encoded = encoded
    }

    /// The same alert taken in at another time: what a delayed alert becomes when it is due.
    public func raised(at time: WallTime) -> Draft {
        Draft(topic: topic, content: content, time: time, sender: sender, region: region, key: key)
    }
}
