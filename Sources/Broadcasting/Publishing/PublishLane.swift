import DequeModule
public import MessageBus
import NIOCore

/// Publishes through a `PublishLane` and is told there what became of each alert. Bound to the lane's event loop.
public protocol PublishReceiver: AnyObject {
    /// What became of an alert: the bus's word, or why the queue did not take it. Called once for each, in the order in which they were
    /// published as far as they were taken, and never inside the call that published it.
    ///
    /// - Parameter tag: what `publish` was given.
    func published(_ draft: Draft, tag: String?, _ outcome: PublishQueue.Outcome)

    /// The outcomes that came together are all told; answers can be written. Called at least once after the last `published`.
    func publishedBatch()
}

/// An event loop's way to the `PublishQueue`. Bound to its event loop.
///
/// What is published during one turn of the loop is handed over at the turn's end, in one step and with one waking of the queue; what the
/// bus says of a batch comes back in one step, too. Bounded by the queue, whose refusals it passes on.
public final class PublishLane {
    private struct Entry {
        let draft: Draft
        let tag: String?
        let receiver: any PublishReceiver
    }

    private let queue: PublishQueue
    private let eventLoop: any EventLoop
    /// What was published in this turn.
    private var drafts: [Draft] = []
    /// What was published and has no outcome yet, the oldest first; `drafts` are its end.
    private var unanswered: Deque<Entry> = []
    private var isTurnPending = false

    init(queue: PublishQueue, eventLoop: any EventLoop) {
        self.queue = queue
        self.eventLoop = eventLoop
    }

    /// Publishes an alert. `receiver` is held until it is told the outcome.
    public func publish(_ draft: Draft, tag: String?, for receiver: any PublishReceiver) {
        drafts.append(draft)
        unanswered.append(Entry(draft: draft, tag: tag, receiver: receiver))
        guard !isTurnPending else { return }
        isTurnPending = true
        let lane = NIOLoopBound(self, eventLoop: eventLoop)
        eventLoop.execute { lane.value.endTurn() }
    }

    private func endTurn() {
        isTurnPending = false
        let drafts = self.drafts
        self.drafts = []
        let reply = PublishQueue.Reply.lane(NIOLoopBound(self, eventLoop: eventLoop), ObjectIdentifier(self))
        for start in stride(from: 0, to: drafts.count, by: queue.batch) {
            let part = drafts.count <= queue.batch ? drafts : Array(drafts[start...].prefix(queue.batch))
            let (taken, refusal) = queue.take(part, inPart: true, reply: reply)
            if let refusal {
                // What comes after a refused one is refused with it, so that order is kept.
                return refuse(drafts.count - start - taken, refusal)
            }
        }
    }

    /// Ends the newest `count` alerts.
    private func refuse(_ count: Int, _ error: BusError) {
        let refused = Array(unanswered.suffix(count))
        unanswered.removeLast(refused.count)
        tell(refused, Array(repeating: .failure(error), count: refused.count))
    }

    /// What the bus says of the oldest alerts that have no outcome yet.
    func answer(_ outcomes: [PublishQueue.Outcome]) {
        let answered = Array(unanswered.prefix(outcomes.count))
        unanswered.removeFirst(answered.count)
        tell(answered, outcomes)
    }

    private func tell(_ entries: [Entry], _ outcomes: [PublishQueue.Outcome]) {
        var told: [any PublishReceiver] = []
        for (entry, outcome) in zip(entries, outcomes) {
            entry.receiver.published(entry.draft, tag: entry.tag, outcome)
            if told.last !== entry.receiver { told.append(entry.receiver) }
        }
        for receiver in told { receiver.publishedBatch() }
    }
}

@available(*, unavailable)
extension PublishLane: Sendable {}
