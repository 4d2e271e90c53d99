import MessageBus

/// The names of what is kept in Redis. A cluster puts keys with the same text in braces into one slot.
struct RedisKeys: Sendable {
    let namespace: String

    /// The stream.
    var log: String { "{\(namespace)}:log" }
    /// A hash of what the log's end is, and the run of Redis that it was written in.
    var meta: String { "{\(namespace)}:meta" }
    /// A sorted set of subscription names by when they were last renewed, in milliseconds.
    var vms: String { "{\(namespace)}:vms" }
    /// Nothing is ever kept here: it is waited for where the waiting matters.
    var absent: String { "{\(namespace)}:absent" }
    /// A channel that says that the log went on, to VMs that cannot wait in a read.
    var hint: String { "{\(namespace)}:hint" }
    /// What the names of VMs' hashes begin with.
    var vmPrefix: String { "{\(namespace)}:vm:" }

    /// A hash of what is known of a VM.
    func vm(_ name: SubscriptionName) -> String { vmPrefix + name.name }

    /// Where the alert of an idempotency key stands.
    func key(_ key: String, on topic: Topic) -> String { "{\(namespace)}:key:\(topic):\(key)" }

    /// Where an alert stands that was put into the log again.
    func healed(_ position: Position) -> String { "{\(namespace)}:healed:\(position.entryID)" }
}
