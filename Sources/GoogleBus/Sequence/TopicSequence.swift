import MessageBus

/// Counts what stands on the topic, as a value: turns words into positions, by rules that give every VM the same result.
///
/// Pub/Sub gives one order to what is published with one ordering key, and no numbers. So each VM counts the alerts that it hears: the first of an
/// epoch stands at offset 1, the next at 2. What does not count is decided by what was said before, never by anything that only this VM knows:
///
/// - a word whose number is not above the last one of its author was heard before;
/// - an alert whose key was accepted on its topic within five minutes, by Pub/Sub's clock, or which heals what stands in the log
///   again, is a repetition;
/// - an epoch begins where a word says so whose number is above the current epoch.
///
/// Who begins to listen does not know the count. It learns it from the first anchor whose message it has heard too, or from the beginning of an
/// epoch. Every later anchor is compared: VMs that count differently find out, and the one that has heard less is wrong.
struct TopicSequence: Sendable {
    /// What is known of the log.
    private struct Track: Sendable {
        var head: Position
        var predecessor: Position
        var checksum: Checksum
        /// Whether what stands before the epoch was counted as others did.
        var isContinuation: Bool
    }

    private let boot: String
    private var authors = Authors()
    private var keys = IdempotencyWindow()
    private var healed = HealedPositions()
    private var marks = Marks()
    private var unplaced = Unplaced()
    private var track: Track?
    private var since: WallTime?
    private var isDoubtful = false
    private(set) var greatestEpoch: UInt64 = 0

    /// - Parameter boot: of the process that listens.
    init(boot: String) { self.boot = boot }

    /// The log's end and the end before its epoch; `nil` while it is not known where the log stands.
    var state: LogState? { track.map { LogState(head: $0.head, predecessor: $0.predecessor) } }

    /// What this VM can say of where the log stands.
    var anchor: Anchor? {
        guard let since, !isDoubtful, let (message, mark) = marks.newest else { return nil }
        return Anchor(
            message: message, position: mark.position, checksum: mark.checksum,
            authority: Authority(since: since, boot: boot))
    }

    /// Takes the next message of the topic.
    ///
    /// - Returns: what came of it, and of what had to wait for it; nothing for what was heard before. Words that are no alerts do not wait.
    mutating func take(_ heard: Heard) -> [Step] {
        guard authors.isNew(heard.word.number, of: heard.word.author, at: heard.time) else { return [] }
        if since == nil { since = heard.time }
        guard track == nil else { return [follow(heard)] }
        unplaced.append(heard)
        switch heard.word.saying {
        case .lease(_, let anchor?): return [Step(heard: heard, effect: .none)] + place(by: anchor)
        case .epoch(let epoch, let predecessor):
            return [begin(epoch, predecessor: predecessor, by: heard)]
        case .alert: return []
        default: return [Step(heard: heard, effect: .none)]
        }
    }

    /// Forgets where the log stands: what is heard from here on need not follow what was heard before.
    mutating func listenAnew() {
        unplaced = Unplaced()
        marks.removeAll()
        authors = Authors()
        track = nil
        since = nil
        isDoubtful = false
    }
}

// Beginning to know.
extension TopicSequence {
    /// Learns from an anchor where the log stands.
    ///
    /// - Returns: what comes of the alerts behind it.
    private mutating func place(by anchor: Anchor) -> [Step] {
        guard let (before, behind) = unplaced.split(after: anchor.message) else { return [] }
        unplaced = Unplaced()
        remember(before, upTo: anchor.position)
        track = Track(
            head: anchor.position, predecessor: anchor.position, checksum: anchor.checksum, isContinuation: true)
        see(anchor.position.epoch)
        mark(anchor.message)
        return behind.compactMap { heard in
            let step = follow(heard)
            // What is no alert has told what it says already.
            guard case .alert = heard.word.saying else { return nil }
            return step
        }
    }

    /// Remembers the keys of alerts that stand in the log up to a position, as near as can be told.
    private mutating func remember(_ words: some Collection<Heard>, upTo end: Position) {
        var left = UInt64(words.count { if case .alert = $0.word.saying { true } else { false } })
        for heard in words {
            guard case .alert(let alert) = heard.word.saying else { continue }
            left -= 1
            let position = Position(epoch: end.epoch, offset: end.offset - min(left, end.offset))
            _ = firstPosition(of: alert, at: heard.time, next: position)
        }
    }
}

// Counting.
extension TopicSequence {
    private mutating func follow(_ heard: Heard) -> Step {
        defer { mark(heard.message) }
        switch heard.word.saying {
        case .alert(let alert): return append(alert, heard)
        case .epoch(let epoch, let predecessor) where epoch > (track?.head.epoch ?? 0):
            return begin(epoch, predecessor: predecessor, by: heard)
        case .lease(_, let anchor?):
            return Step(heard: heard, effect: isWrong(by: anchor) ? .disagreement : .none)
        default: return Step(heard: heard, effect: .none)
        }
    }

    private mutating func append(_ alert: RaisedAlert, _ heard: Heard) -> Step {
        guard var track else { return Step(heard: heard, effect: .none) }
        if track.head.offset >= Position.maximumComponent {
            let epoch = Epoch.beginning(at: heard.time, after: track.head.epoch)
            track = Track(
                head: Position(epoch: epoch, offset: 0), predecessor: track.head, checksum: Checksum(epoch: epoch),
                isContinuation: true)
            see(epoch)
        }
        let position = track.head.successor
        let first = firstPosition(of: alert, at: heard.time, next: position)
        guard first == position else {
            self.track = track
            return Step(heard: heard, effect: .repeated(first))
        }
        track.head = position
        track.checksum.add(author: heard.word.author, number: heard.word.number)
        self.track = track
        let stored = StoredAlert(
            position: position, body: alert.body, key: alert.key, healedFrom: alert.healedFrom,
            predecessor: position.offset == 1 && track.isContinuation ? track.predecessor : nil)
        return Step(heard: heard, effect: .appended(stored))
    }

    /// Where an alert stands: at `next`, unless it stands in the log already.
    private mutating func firstPosition(of alert: RaisedAlert, at time: WallTime, next: Position) -> Position {
        keys.forgetExpired(now: time)
        if let lost = alert.healedFrom {
            let first = healed.remember(lost, at: next)
            if first != next { return first }
        }
        guard let key = alert.key else { return next }
        return keys.remember(key, on: alert.topic, at: next, now: time)
    }

    private mutating func begin(_ epoch: UInt64, predecessor: Position, by heard: Heard) -> Step {
        let previous = track?.head
        track = Track(
            head: Position(epoch: epoch, offset: 0), predecessor: previous ?? predecessor,
            checksum: Checksum(epoch: epoch), isContinuation: !isDoubtful)
        isDoubtful = false
        remember(unplaced.all, upTo: predecessor)
        unplaced = Unplaced()
        see(epoch)
        mark(heard.message)
        return Step(heard: heard, effect: .began)
    }

    /// Whether somebody who has heard more counts otherwise.
    private mutating func isWrong(by anchor: Anchor) -> Bool {
        guard let since, let mark = marks[anchor.message],
            mark != Marks.Mark(position: anchor.position, checksum: anchor.checksum),
            anchor.authority.prevails(over: Authority(since: since, boot: boot))
        else { return false }
        isDoubtful = true
        return true
    }

    private mutating func mark(_ message: String) {
        guard let track else { return }
        marks.add(message, Marks.Mark(position: track.head, checksum: track.checksum))
    }

    private mutating func see(_ epoch: UInt64) { greatestEpoch = max(greatestEpoch, epoch) }
}
