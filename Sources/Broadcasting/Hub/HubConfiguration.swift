public import MessageBus

/// The hub's bounds.
public struct HubConfiguration: Sendable {
    /// What each shard's ring holds.
    public var retention: Retention
    /// Bytes that may wait for a reader that does not keep up. Past it the reader is closed with a resumable code.
    public var maximumPending: Int
    /// Seconds between heartbeats. A peer that has not answered one when the next is due is closed, so a dead one is found within twice this.
    public var heartbeat: Int
    /// How long a reader whose cursor is ahead of this VM waits for the VM to get there, in seconds.
    public var patience: Int
    /// The most alerts taken from the bus, and so joined into one write, at once.
    public var batch: Int

    public init(
        retention: Retention = .init(), maximumPending: Int = 1 << 20, heartbeat: Int = 15, patience: Int = 5,
        batch: Int = 512
    ) {
        self.retention = retention
        self.maximumPending = maximumPending
        self.heartbeat = max(1, heartbeat)
        self.patience = max(1, patience)
        self.batch = max(1, batch)
    }
}
