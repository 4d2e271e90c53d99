import DequeModule
import MessageBus

/// The log as a VM knows it from the topic, as a value.
///
/// Pub/Sub gives what many publish no order that all subscriptions agree on, and no numbers. So every epoch has a leader, which says for every alert
/// that it hears which position it has; who hears that puts the alert there. What one VM says is heard in its order, so one epoch's places
/// come in order, and each names its positions: nothing depends on the order in which words of several VMs are heard.
///
/// - **Repetitions** (by key, for five minutes of Pub/Sub's clock, or of what was put back after a loss) are the leader's to find.
/// - **Another leader** claims an epoch; the one before it places nothing more from then on and says so. Once that is heard, or the old leader is silent, the
///   new one begins the epoch and says the position that it follows. Who has not got so far waits for what is missing; who is further takes back what
///   stands after it: such alerts were placed by a leader that others had given up, and the new one places them again.
/// - **Who begins to listen** reads what the topic retains, and begins with the first alert whose place and content it hears.
/// - **Whatever does not come** within `patience` is passed over, which readers are told. Before that the topic is read again (`missingSince`).
struct TopicLog: Sendable {
    /// What has come of a word.
    enum Effect: Sendable, Equatable {
        /// An alert has a place.
        case placed(Reference, at: Position)
        /// An alert repeats one that has a place.
        case repeated(Reference, of: Position)
        /// An epoch has begun.
        case began(UInt64)
        /// A VM wants to lead an epoch.
        case claimed(UInt64)
        /// This VM led an epoch, and places nothing more, since a later one is claimed.
        case ceded(UInt64)
        /// What did not come is passed over.
        case passedOver(upTo: Position)
    }

    /// An epoch that was said to begin.
    private struct Coming: Sendable {
        let leader: String
        let predecessor: Position
        let heard: WallTime
    }

    private struct Waiting: Sendable {
        let placement: Placement
        let heard: WallTime
    }

    /// How long something that is missing is waited for, in milliseconds of Pub/Sub's clock: twice the time after which it is delivered again.
    static let patience: Int64 = 20_000
    /// How old an alert without a place may be for a new leader to place it, in milliseconds: who raised an older one has long been told that it failed.
    static let freshness: Int64 = 60_000
    /// How many placements may wait for what is missing before them; overflow policy: it is passed over.
    static let waitingPlacements = 10_000

    let boot: String
    private(set) var tail: LogTail<SequencedAlert>
    /// Who leads; `nil` until an epoch is known.
    private(set) var leader: String?
    /// Where the log stands; `nil` until that is known.
    private(set) var head: Position?
    private(set) var leadership: Leadership?
    private var succession = Succession()
    private(set) var raised = RaisedAlerts()
    private(set) var greatestEpoch: UInt64 = 0
    /// Whether what the topic retains is still being read.
    private var isJoining = true
    /// Whether this VM leads no more, whatever it still hears.
    private var hasRetired = false
    /// Whether this VM has an alert: what is missing before the first never comes.
    private var hasPlaced = false
    private var predecessor: Position?
    private var standing: Standing?
    private var coming: [UInt64: Coming] = [:]
    private var waiting: [Position: Waiting] = [:]
    private var revoked: [Reference: SequencedAlert] = [:]
    private var placedNumbers = Authors()
    private var keys = IdempotencyWindow()
    private var healed = HealedPositions()

    /// - Parameter boot: of the process.
    init(boot: String, retention: Retention) {
        self.boot = boot
        tail = LogTail(after: .origin, retention: retention)
    }

    /// Where the log stands, for those who ask.
    var known: Standing? {
        guard let head, let leader else { return nil }
        return Standing(head: head, leader: leader)
    }

    /// The log's end and the end before its epoch; `nil` while that is not known.
    var state: LogState? { head.map { LogState(head: $0, predecessor: predecessor ?? .origin) } }

    /// Since when something is missing that others have heard, so that the log does not go on here; `nil` where nothing is.
    var missingSince: WallTime? {
        guard head != nil else { return nil }
        return (waiting.values.map(\.heard) + coming.values.map(\.heard)).min()
    }

    /// Begins to listen anew: what is heard from here on need not follow what was heard before.
    mutating func listenAnew() {
        isJoining = true
        hasPlaced = tail.newest != nil
        leader = nil
        head = nil
        leadership = nil
        succession = Succession()
        standing = nil
        coming = [:]
        waiting = [:]
        raised.removeAll()
        // What was placed before is heard once more, and stands in the log already.
        placedNumbers = Authors()
    }

    /// All that the topic retained is read.
    mutating func finishJoining() {
        guard isJoining else { return }
        isJoining = false
        if head == nil, let standing { follow(standing) }
        // Alerts may stand before the log's end that this VM does not have.
        if let head, head > tail.head, predecessor != tail.head || head.offset > 0 { tail.restart(after: head) }
    }

    /// Takes the next word.
    mutating func take(_ heard: Heard) -> [Effect] {
        let word = heard.word
        var effects: [Effect] = []
        switch word.saying {
        case .alert(let alert):
            guard !placedNumbers.knows(word.number, of: word.author),
                raised.add(word.reference, RaisedAlerts.Raised(alert: alert, time: heard.time))
            else { return [] }
            leadership?.add(word.reference)
        case .place(let placement): wait(for: placement, by: word.author, heard.time)
        case .claim(let epoch):
            greatestEpoch = max(greatestEpoch, epoch)
            guard epoch > head?.epoch ?? 0 else { return [] }
            succession.claim(epoch, by: word.author)
            effects = [.claimed(epoch), cede()].compactMap { $0 }
        case .cede(let epoch): succession.end(epoch)
        case .leave(let vm):
            if let head, word.author == leader, word.author == vm.boot { succession.end(head.epoch) }
        case .epoch(let epoch, let predecessor):
            greatestEpoch = max(greatestEpoch, epoch)
            guard epoch > head?.epoch ?? 0 else { return [] }
            coming[epoch] = Coming(leader: word.author, predecessor: predecessor, heard: heard.time)
        case .standing(let standing?), .lease(_, let standing?):
            greatestEpoch = max(greatestEpoch, standing.head.epoch)
            if isJoining, standing.head > self.standing?.head ?? .origin { self.standing = standing }
        case .standing, .lease, .hello, .join: break
        }
        return effects + advance(now: heard.time)
    }

    /// Says the places of alerts that have none, where this VM leads; `nil` where there is nothing to say.
    mutating func place() -> Word.Saying? {
        guard var leadership else { return nil }
        let first = leadership.next
        var entries: [Placement.Entry] = []
        for reference in leadership.take() {
            if let stood = revoked[reference] {
                entries.append(.next(reference, healedFrom: stood.identity))
                leadership.advance()
                continue
            }
            guard let raised = raised[reference] else { continue }
            let position = firstPosition(of: raised.alert, at: raised.time, next: leadership.next)
            if position == leadership.next {
                entries.append(.next(reference, healedFrom: nil))
                leadership.advance()
            } else {
                entries.append(.repeated(reference, of: position))
            }
        }
        self.leadership = leadership
        return entries.isEmpty ? nil : .place(Placement(first: first, entries: entries))
    }

    /// An epoch for this VM to lead, after all that it knows.
    func unclaimedEpoch(at now: WallTime) -> UInt64 {
        Epoch.beginning(at: now, after: max(greatestEpoch, tail.head.epoch))
    }

    /// Whether who leads the log's last epoch has said its last word.
    var hasLeaderEnded: Bool { head.map { succession.hasEnded($0.epoch) } ?? false }
    /// Whether everything that a leader who has ended has placed is in the log.
    var isComplete: Bool { hasLeaderEnded && missingSince == nil }

    /// Begins an epoch that this VM has claimed; `nil` where somebody else has a better claim by now.
    func begin(_ epoch: UInt64) -> Word.Saying? {
        guard succession.isForemost(epoch, by: boot), epoch > head?.epoch ?? 0 else { return nil }
        return .epoch(epoch, predecessor: end ?? .origin)
    }

    /// Leads no more where somebody claims a later epoch.
    private mutating func cede() -> Effect? {
        guard let leadership, succession.isClaimed(after: leadership.next.epoch) else { return nil }
        self.leadership = nil
        return .ceded(leadership.next.epoch)
    }

    /// The position of the log's last alert: an epoch that has none yet ends where it began.
    private var end: Position? {
        guard let head else { return nil }
        return head.offset == 0 ? predecessor : head
    }

    /// Leads no more, although nobody else does: what this VM said last may never be heard.
    mutating func resign() {
        leadership = nil
        leader = nil
    }

    /// Places nothing more from now on, before this VM says that it leaves.
    mutating func retire() {
        hasRetired = true
        leadership = nil
    }
}

// Going on.
extension TopicLog {
    /// Does all that can be done now.
    mutating func advance(now: WallTime) -> [Effect] {
        var effects: [Effect] = []
        while true {
            if let (epoch, next) = nextEpoch(now: now) {
                effects += enter(epoch, next)
            } else if let placement = nextPlacement(now: now) {
                effects += apply(placement)
            } else {
                return effects
            }
        }
    }

    private mutating func wait(for placement: Placement, by author: String, _ time: WallTime) {
        greatestEpoch = max(greatestEpoch, placement.first.epoch)
        if head == nil && isJoining {
            // The first that is heard tells where the log stands; what was placed before it is not known.
            leader = author
            head = Position(epoch: placement.first.epoch, offset: placement.first.offset - 1)
            predecessor = head
        }
        guard let head, placement.first > head else { return }
        waiting[placement.first] = Waiting(placement: placement, heard: time)
    }

    /// The greatest epoch that can begin: nothing is missing before it, or that did not come.
    private func nextEpoch(now: WallTime) -> (UInt64, Coming)? {
        coming.filter { epoch, next in
            guard let head else { return true }
            return epoch > head.epoch
                && ((end ?? head) >= next.predecessor || isOver(next.heard, now) || isUnreachable(next.predecessor))
        }.max { $0.key < $1.key }
    }

    /// Whether a position is of an epoch that is not known to come.
    private func isUnreachable(_ position: Position) -> Bool {
        guard let head else { return false }
        return position.epoch != head.epoch && coming[position.epoch] == nil
    }

    private mutating func enter(_ epoch: UInt64, _ next: Coming) -> [Effect] {
        // Who is not joining has been handing over what stands before, up to the epoch or further.
        let follows = end.map { $0 >= next.predecessor } ?? false
        predecessor = follows ? end : next.predecessor
        revoked = [:]
        if follows {
            for alert in tail.entries(after: next.predecessor) { revoked[alert.reference] = alert }
        }
        head = Position(epoch: epoch, offset: 0)
        leader = next.leader
        coming = coming.filter { $0.key > epoch }
        waiting = waiting.filter { $0.key.epoch >= epoch }
        leadership = nil
        // What this VM led before it listens anew it leads no more: which places it has given it knows only as far as it hears them again.
        if next.leader == boot && !isJoining && !hasRetired {
            let horizon = next.heard.advanced(byMilliseconds: -Self.freshness)
            let takenBack = revoked.values.sorted { $0.position < $1.position }.map(\.reference)
            let waiting = raised.waiting.filter { (raised[$0]?.time ?? horizon) > horizon }
            leadership = Leadership(of: epoch, beginningWith: takenBack + waiting)
        }
        return [.began(epoch), cede()].compactMap { $0 }
    }

    /// The placement that comes next, where all of it is there.
    private mutating func nextPlacement(now: WallTime) -> Placement? {
        guard let head else { return nil }
        if let next = waiting[head.successor] {
            guard isComplete(next.placement) || isOver(next.heard, now) else { return nil }
            waiting[head.successor] = nil
            return next.placement
        }
        // Something before it is missing.
        guard
            let next = waiting.values.filter({ $0.placement.first.epoch == head.epoch })
                .min(by: { $0.placement.first < $1.placement.first }),
            isOver(next.heard, now) || waiting.count > Self.waitingPlacements
        else { return nil }
        waiting[next.placement.first] = nil
        return next.placement
    }

    /// Whether all alerts of a placement are there that may still come: who begins to listen misses those that were raised before what it hears first, and
    /// those that stand in the log already need not come again.
    private func isComplete(_ placement: Placement) -> Bool {
        var position = placement.first
        var missesFirst = isJoining && !hasPlaced
        for case .next(let reference, _) in placement.entries {
            let isThere = raised[reference] != nil || revoked[reference] != nil || position <= tail.head
            if isThere { missesFirst = false } else if !missesFirst { return false }
            position = position.successor
        }
        return true
    }

    private func isOver(_ heard: WallTime, _ now: WallTime) -> Bool {
        now > heard.advanced(byMilliseconds: Self.patience)
    }
}

// Placing.
extension TopicLog {
    private mutating func apply(_ placement: Placement) -> [Effect] {
        var effects: [Effect] = []
        var position = placement.first
        for entry in placement.entries {
            switch entry {
            case .next(let reference, let healedFrom):
                if let alert = alert(reference, at: position, healedFrom: healedFrom) {
                    append(alert)
                    hasPlaced = true
                    effects.append(.placed(reference, at: position))
                } else if position > tail.head {
                    tail.restart(after: position)
                    effects.append(.passedOver(upTo: position))
                }
                placed(reference)
                position = position.successor
            case .repeated(let reference, let first):
                placed(reference)
                effects.append(.repeated(reference, of: first))
            }
        }
        head = max(head ?? .origin, placement.last)
        return effects
    }

    /// The alert as it stands in the log.
    ///
    /// - Parameter healedFrom: where it stood for some before its leader was given up, as the leader of the epoch knows it. In an epoch that this VM
    ///   passed by it says nothing of what stands here.
    private mutating func alert(
        _ reference: Reference, at position: Position, healedFrom: Position?
    ) -> SequencedAlert? {
        let isFirst = position.offset == 1
        if let known = revoked[reference] {
            let stored = StoredAlert(
                position: position, body: known.stored.body, key: known.stored.key,
                healedFrom: healedFrom ?? known.identity, predecessor: isFirst ? predecessor : nil)
            return SequencedAlert(stored: stored, reference: reference, time: known.time)
        }
        guard let raised = raised[reference] else { return nil }
        // The leader has done so when it said the place.
        _ = firstPosition(of: raised.alert, at: raised.time, next: position)
        let stored = StoredAlert(
            position: position, body: raised.alert.body, key: raised.alert.key,
            healedFrom: (healedFrom?.epoch == predecessor?.epoch ? healedFrom : nil) ?? raised.alert.healedFrom,
            predecessor: isFirst ? predecessor : nil)
        return SequencedAlert(stored: stored, reference: reference, time: raised.time)
    }

    private mutating func append(_ alert: SequencedAlert) {
        let follows =
            tail.head.isFollowed(by: alert.position)
            || (alert.position.offset == 1 && alert.stored.predecessor == tail.head)
        if !follows && alert.position > tail.head {
            tail.restart(after: Position(epoch: alert.position.epoch, offset: alert.position.offset - 1))
        }
        tail.append(alert, now: alert.time)
    }

    private mutating func placed(_ reference: Reference) {
        let time = raised[reference]?.time ?? tail.newest?.time ?? WallTime(milliseconds: 0)
        raised.remove(reference)
        _ = placedNumbers.isNew(reference.number, of: reference.author, at: time)
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

    private mutating func follow(_ standing: Standing) {
        head = standing.head
        leader = standing.leader
        predecessor = standing.head
    }
}
