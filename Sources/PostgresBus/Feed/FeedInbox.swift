import MessageBus

/// What a feed has heard and not yet acted on, as a value.
struct FeedInbox: Sendable {
    private let namespace: PostgresNamespace
    private let vm: VMIdentity
    /// Whether the log may go on where it was last read.
    var mayHaveMore = true
    private(set) var isSuperseded = false
    private(set) var failure: PostgresFailure?
    /// The words that a probe waits for: the channel and the nonce.
    private var awaited: [String: Set<String>] = [:]

    init(namespace: PostgresNamespace, vm: VMIdentity) {
        self.namespace = namespace
        self.vm = vm
    }

    /// The channels that the feed listens to.
    var channels: [String] { [namespace.channel, vm.subscription.name] }

    mutating func expect(_ nonce: String) { awaited[nonce] = Set(channels) }

    mutating func giveUp(_ nonce: String) { awaited[nonce] = nil }

    mutating func fail(_ failure: PostgresFailure) { self.failure = failure }

    /// Takes a notification in.
    ///
    /// - Returns: the probe's nonce where it has now been heard on every channel.
    mutating func hear(_ notification: PostgresNotification) -> String? {
        switch FeedWord(notification.payload, in: namespace) {
        case .taken(let boot)?:
            if notification.channel == vm.subscription.name, boot != vm.boot { isSuperseded = true }
        case .probe(let nonce)?:
            awaited[nonce]?.remove(notification.channel)
            if awaited[nonce]?.isEmpty == true {
                awaited[nonce] = nil
                return nonce
            }
        case nil:
            if notification.channel == namespace.channel { mayHaveMore = true }
        }
        return nil
    }

    /// Whether a reader has something to do.
    var isWorthWaking: Bool { mayHaveMore || isSuperseded || failure != nil }
}
