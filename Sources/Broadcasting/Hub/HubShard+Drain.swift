import MessageBus
import NIOCore

/// How a shard lets its readers go: the same share of them every tenth of a second.
struct DrainPlan {
    static let step = TimeAmount.milliseconds(100)

    private var stepsLeft: Int
    private let emptied: @Sendable () -> Void

    init(seconds: Int, emptied: @escaping @Sendable () -> Void) {
        self.stepsLeft = max(1, seconds * 10)
        self.emptied = emptied
    }

    /// How many of `count` readers leave in the step that begins now; all of them in the last.
    mutating func share(of count: Int) -> Int {
        defer { stepsLeft -= 1 }
        return stepsLeft <= 1 ? count : (count + stepsLeft - 1) / stepsLeft
    }

    var isOver: Bool { stepsLeft <= 0 }

    func finish() { emptied() }
}

extension HubShard {
    /// Tells the readers one after the other that the VM leaves, and ends them, spread evenly over `seconds`.
    ///
    /// - Parameter emptied: called when no reader is left; may be called more than once.
    func beginDrain(seconds: Int, emptied: @escaping @Sendable () -> Void) {
        drain = DrainPlan(seconds: seconds, emptied: emptied)
        if readerCount == 0 { emptied() }
        drainStep()
    }

    private func drainStep() {
        guard var plan = drain, !plan.isOver else { return }
        var staying: [Reader] = []
        forEachReader { if !$0.isEnding { staying.append($0) } }
        let share = plan.share(of: staying.count)
        drain = plan
        for reader in staying.prefix(share) {
            write(StreamEvent.drain(retryMilliseconds: Int.random(in: 0..<1000), time: clock.now()), to: reader)
            end(reader, .draining)
        }
        let shard = NIOLoopBound(self, eventLoop: eventLoop)
        eventLoop.scheduleTask(in: DrainPlan.step) { shard.value.drainStep() }
    }

    /// Ends whoever is left.
    func endAll() {
        forEachReader { end($0, .leaving) }
    }
}
