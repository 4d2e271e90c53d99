public import Logging
public import MessageBus
import NIOConcurrencyHelpers

/// Alerts that wait in this VM's memory until they are due, and are published then.
///
/// A restart or the loss of the VM loses what waits. Bounded by `capacity`; overflow policy: the newest is refused.
public final class DelayedAlerts: Sendable {
    /// What became of an alert that was to be delayed.
    public enum Outcome: Sendable, Equatable {
        /// It will be raised at this time; the same key on the same topic names the first one's.
        case scheduled(due: WallTime, isDuplicate: Bool)
        case full
    }

    private struct Entry {
        let due: WallTime
        let draft: Draft
    }

    private struct State {
        /// Ordered by due time, the next at the end.
        var entries: [Entry] = []
        var sleeper: Gate?
    }

    private let state = NIOLockedValueBox(State())
    private let queue: PublishQueue
    private let capacity: Int
    private let clock: WallClock
    private let logger: Logger

    public init(queue: PublishQueue, capacity: Int = 10_000, clock: WallClock = .system, logger: Logger) {
        self.queue = queue
        self.capacity = capacity
        self.clock = clock
        self.logger = logger
    }

    public var count: Int { state.withLockedValue { $0.entries.count } }

    public func schedule(_ draft: Draft, due: WallTime) -> Outcome {
        let (outcome, sleeper) = state.withLockedValue { state -> (Outcome, Gate?) in
            if let key = draft.key,
                let first = state.entries.first(where: { $0.draft.key == key && $0.draft.topic == draft.topic })
            {
                return (.scheduled(due: first.due, isDuplicate: true), nil)
            }
            guard state.entries.count < capacity else { return (.full, nil) }
            let index = state.entries.firstIndex { $0.due <= due } ?? state.entries.endIndex
            state.entries.insert(Entry(due: due, draft: draft), at: index)
            return (.scheduled(due: due, isDuplicate: false), state.sleeper)
        }
        sleeper?.open()
        return outcome
    }

    /// Raises what is due, as it becomes due, until the task is cancelled.
    public func run() async {
        while !Task.isCancelled {
            let (due, wait, sleeper) = takeDue()
            for draft in due { await raise(draft) }
            if due.isEmpty { await sleep(wait, or: sleeper) }
        }
        let lost = count
        if lost > 0 { logger.warning("delayed alerts are lost with this process", metadata: ["count": "\(lost)"]) }
    }

    /// Takes what is due, or tells how long to sleep and what ends the sleep early.
    private func takeDue() -> ([Draft], wait: Duration, Gate) {
        let now = clock.now()
        let sleeper = Gate()
        return state.withLockedValue { state in
            var due: [Draft] = []
            while let next = state.entries.last, next.due <= now {
                due.append(next.draft)
                state.entries.removeLast()
            }
            state.sleeper = sleeper
            let wait = state.entries.last.map { $0.due.milliseconds - now.milliseconds } ?? 3_600_000
            return (due, .milliseconds(wait), sleeper)
        }
    }

    private func raise(_ draft: Draft) async {
        var backoff = Backoff()
        while !Task.isCancelled {
            do {
                _ = try await queue.publish(draft.raised(at: clock.now()))
                return
            } catch  where error.code == .closed {
                return logger.warning("a delayed alert came due while leaving", metadata: ["topic": "\(draft.topic)"])
            } catch {
                logger.warning("a delayed alert waits for the bus", metadata: ["error": "\(error)"])
                try? await ContinuousClock().sleep(for: backoff.next())
            }
        }
    }

    private func sleep(_ wait: Duration, or sleeper: Gate) async {
        await withTaskGroup(of: Void.self) { group in
            group.addTask { try? await ContinuousClock().sleep(for: wait) }
            group.addTask { await sleeper.wait() }
            await group.next()
            group.cancelAll()
        }
    }
}
