import DequeModule

/// What a VM holds of the log's last minute, read or published by itself: what it puts into the log again where the backend lost it.
///
/// Bounded by `capacity`; overflow policy: the oldest are let go.
struct HeldAlerts: Sendable {
    /// How much older than the newest an alert may be to be healed, in milliseconds: a VM that lacks more sees the hole before what is healed.
    static let age: Int64 = 60_000

    /// Readers are asked to remember as many ids, so that they can tell what comes twice.
    static let capacity = 2_000

    struct Held: Sendable {
        let position: Position
        let draft: Draft
        /// The position that readers know the alert by.
        let identity: Position
    }

    private var alerts: Deque<Held> = []
    mutating func hold(_ alert: Alert) {
        hold(Held(position: alert.position, draft: alert.draft, identity: alert.healedFrom ?? alert.position))
    }

    /// Alerts come nearly in order: what was published by the VM itself is held before it is read.
    private mutating func hold(_ held: Held) {
        var index = alerts.endIndex
        while index > alerts.startIndex, alerts[index - 1].position > held.position { index -= 1 }
        if index > alerts.startIndex, alerts[index - 1].position == held.position { return }
        alerts.insert(held, at: index)
        if alerts.count > Self.capacity { alerts.removeFirst() }
    }

    /// What is held after `position`, from before `epoch`, and young enough, in the log's order.
    func lacking(after position: Position, before epoch: UInt64) -> [Held] {
        guard let newest = alerts.last(where: { $0.position.epoch < epoch }) else { return [] }
        let horizon = newest.draft.time.advanced(byMilliseconds: -Self.age)
        return alerts.filter { $0.position > position && $0.position.epoch < epoch && $0.draft.time >= horizon }
    }
}
