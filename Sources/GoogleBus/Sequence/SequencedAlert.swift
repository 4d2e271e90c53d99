import MessageBus

/// An alert in a VM's copy of the log.
struct SequencedAlert: LogEntry {
    let stored: StoredAlert
    /// The word that raised it.
    let reference: Reference
    /// When Pub/Sub took it.
    let time: WallTime

    var position: Position { stored.position }
    /// The position that readers know it by.
    var identity: Position { stored.healedFrom ?? stored.position }
    var weight: Int { stored.body.count + Self.overhead }

    /// What the alert takes besides its JSON.
    private static let overhead = 256
}
