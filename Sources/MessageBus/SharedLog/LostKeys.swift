/// The keys of alerts that the backend lost together with them, and the positions that readers know those alerts by: what is published again
/// with such a key while it holds is no new alert.
///
/// Bounded by `HeldAlerts.capacity` a loss, and by twice that in all; overflow policy: the earlier losses are forgotten, whose publishers have
/// repeated by then.
struct LostKeys: Sendable {
    private struct Key: Hashable {
        let topic: Topic
        let key: String

        init?(_ draft: Draft) {
            guard let key = draft.key else { return nil }
            self.topic = draft.topic
            self.key = key
        }
    }

    private struct First {
        let position: Position
        let time: WallTime
    }

    private var firsts: [Key: First] = [:]

    var isEmpty: Bool { firsts.isEmpty }

    /// The backend lost these.
    mutating func remember(_ lost: [HeldAlerts.Held]) {
        guard !lost.isEmpty else { return }
        if firsts.count > HeldAlerts.capacity { firsts.removeAll() }
        for held in lost {
            guard let key = Key(held.draft) else { continue }
            // Of several places, the first is the one that readers know.
            if let known = firsts[key], known.position <= held.identity { continue }
            firsts[key] = First(position: held.identity, time: held.draft.time)
        }
    }

    /// The alert as one that was healed, where it is one that was lost and published again.
    func recognised(_ alert: Alert) -> Alert {
        guard let key = Key(alert.draft), let first = firsts[key], first.position.epoch < alert.position.epoch,
            alert.draft.time < first.time.advanced(byMilliseconds: IdempotencyWindow.lifetime)
        else { return alert }
        return Alert(position: alert.position, draft: alert.draft, healedFrom: first.position)
    }
}
