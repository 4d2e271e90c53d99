/// Where a subscription stands in a shared log, as a value: turns what is read after the cursor into what is handed over, and tells what has to
/// be done besides.
struct LogFollower: Sendable {
    /// What follows from a reading, in order.
    enum Step: Sendable {
        case deliver(Delivery)
        /// The log goes on in a new epoch after this position: what a VM holds after it, from before `epoch`, is not in the log any more.
        case heal(after: Position, before: UInt64)
        /// Something is missing before what was read: it is read again, once, since the backend may only have lagged.
        case readAgain
    }

    /// Everything up to here was handed over or said to be lost.
    private(set) var cursor: Position
    /// How far the epochs before the cursor's were handed over: in place, or healed without a hole.
    private var reached: Position
    /// Whether the reading after the cursor was repeated already.
    private var isSecondReading = false

    init(after cursor: Position) {
        self.cursor = cursor
        self.reached = cursor
    }

    /// Takes what was read after the cursor, oldest first.
    mutating func take(_ stored: [StoredAlert]) -> [Step] {
        var steps: [Step] = []
        var alerts: [Alert] = []
        func flush() {
            if !alerts.isEmpty { steps.append(.deliver(.alerts(alerts))) }
            alerts = []
        }
        for entry in stored where entry.position > cursor && entry.position.offset > 0 {
            if !cursor.isFollowed(by: entry.position) {
                flush()
                if let predecessor = entry.predecessor, entry.position.offset == 1, predecessor <= cursor {
                    enter(entry.position.epoch)
                    steps.append(.heal(after: predecessor, before: entry.position.epoch))
                } else if isSecondReading {
                    steps.append(lose(.retention, before: entry.position))
                } else {
                    isSecondReading = true
                    steps.append(.readAgain)
                    return steps
                }
            }
            isSecondReading = false
            if let healedFrom = entry.healedFrom, healedFrom > reached, healedFrom.epoch < entry.position.epoch {
                // Others held more than this VM had got, and not all of it.
                if !reached.isFollowed(by: healedFrom) {
                    flush()
                    steps.append(lose(.lost, before: entry.position))
                }
                reached = healedFrom
            }
            cursor = entry.position
            if let draft = Draft(encoded: entry.body, key: entry.key) {
                alerts.append(Alert(position: entry.position, draft: draft, healedFrom: entry.healedFrom))
            } else {
                flush()
                steps.append(.deliver(.lost(Loss(cause: .lost, resumesAfter: cursor))))
            }
        }
        flush()
        return steps
    }

    /// Goes on in an epoch that follows what was handed over.
    private mutating func enter(_ epoch: UInt64) {
        reached = cursor
        cursor = Position(epoch: epoch, offset: 0)
    }

    private mutating func lose(_ cause: Loss.Cause, before position: Position) -> Step {
        if cursor.epoch != position.epoch { reached = cursor }
        cursor = Position(epoch: position.epoch, offset: position.offset - 1)
        return .deliver(.lost(Loss(cause: cause, resumesAfter: cursor)))
    }
}
