public import Logging
import NIOConcurrencyHelpers

/// A bus whose VMs read one log that a backend keeps for them, each from a cursor of its own.
///
/// What the backend pushes is only a hint that the log went on: a hint that is lost loses nothing, and a hole shows. Here is what all such backends
/// have in common: following the log, saying losses, telling the backend's absence, healing, leases; a `LogStore` is what differs.
///
/// **Healing.** Where the backend lost the log's end (a fail-over to a replica that lagged, a crash before its disk had everything), the log goes on in a
/// new epoch, and each VM puts what it holds and the log lacks into the log again. Such alerts come late where they are new to a VM,
/// and say with `healedFrom` which position they had, so that they are told apart where they are not.
public final class SharedLogBus<Store: LogStore>: MessageBus {
    private struct Memory {
        /// The greatest position that this process knows of.
        var seen = Position.origin
        var held = HeldAlerts()
        var lost = LostKeys()
        /// When it was last said that alerts are not taken.
        var complained: ContinuousClock.Instant?
        /// What could not be healed yet, since the backend took nothing.
        var owed: (after: Position, before: UInt64)?
    }

    private static var complaintInterval: Duration { .seconds(5) }

    package let store: Store
    let logger: Logger
    let timing: LogTiming
    private let memory = NIOLockedValueBox(Memory())

    public init(store: Store, timing: LogTiming = LogTiming(), logger: Logger) {
        self.store = store
        self.timing = timing
        self.logger = logger
    }

    public func publish(_ drafts: [Draft]) async throws(BusError) -> [Receipt] {
        guard !drafts.isEmpty else { return [] }
        let receipts: [Receipt]
        do throws(BusError) { receipts = try await append(drafts.map { LogRecord($0) }) } catch {
            complain(error)
            throw error
        }
        memory.withLockedValue { memory in
            for (draft, receipt) in zip(drafts, receipts) where !receipt.isDuplicate {
                memory.held.hold(memory.lost.recognised(Alert(position: receipt.position, draft: draft)))
            }
        }
        return receipts
    }

    public func subscribe(_ vm: VMIdentity, tail: Int) async throws(BusError) -> any Subscription {
        try await open()
        let feed = try await store.feed(of: vm)
        do {
            let bounds = try await store.bounds(beforeLast: tail)
            let previous = try await store.join(vm, load: VMLoad(sockets: 0, position: bounds.start))
            // Who is back before its lease has ended goes on where it was, as far as the log still has that.
            let start = max(bounds.floor, min(bounds.start, previous ?? bounds.start))
            see(bounds.head)
            return SharedLogSubscription(bus: self, vm: vm, start: start, head: bounds.head, feed: feed)
        } catch {
            await feed.close()
            throw error
        }
    }

    public func vms() async throws(BusError) -> [VMRecord] {
        let registry = try await store.members()
        return registry.members.sorted { $0.vm.subscription < $1.vm.subscription }.map { member in
            VMRecord(
                vm: member.vm, load: member.load, lag: member.load.position.distance(to: registry.head),
                since: member.since, seen: member.seen)
        }
    }

    /// Closes the store's connections. The bus is not to be used after it.
    public func close() async { await store.close() }
}

// What subscriptions need.
extension SharedLogBus {
    /// Makes sure of the backend and the log's epoch, and puts into it what it lost and this VM holds.
    func open() async throws(BusError) {
        let state = try await store.open(seen: memory.withLockedValue { $0.seen })
        see(state.head)
        await heal(after: state.predecessor, before: state.head.epoch)
    }

    /// Alerts were read from the log.
    ///
    /// - Returns: the same, where what a publisher raised again, after the backend had lost it together with its key, says so: readers have it already.
    func hold(_ read: [Alert]) -> [Alert] {
        memory.withLockedValue { memory in
            let alerts = memory.lost.isEmpty ? read : read.map { memory.lost.recognised($0) }
            for alert in alerts { memory.held.hold(alert) }
            if let last = alerts.last { memory.seen = max(memory.seen, last.position) }
            return alerts
        }
    }

    /// Puts what this VM holds after `position`, from before `epoch`, into the log again. Where the backend takes nothing it is owed.
    func heal(after position: Position, before epoch: UInt64) async {
        var lacking = memory.withLockedValue { memory in
            let lacking = memory.held.lacking(after: position, before: epoch)
            memory.lost.remember(lacking)
            return lacking[...]
        }
        guard !lacking.isEmpty else { return }
        logger.warning(
            "healing what the bus lost",
            metadata: ["alerts": "\(lacking.count)", "after": "\(position)", "epoch": "\(epoch)"])
        do throws(BusError) {
            while !lacking.isEmpty {
                let batch = lacking.prefix(256)
                let receipts = try await append(batch.map { LogRecord($0.draft, healedFrom: $0.identity) })
                memory.withLockedValue { memory in
                    // The backend may lose it once more before it is read.
                    for (held, receipt) in zip(batch, receipts) {
                        memory.held.hold(
                            Alert(position: receipt.position, draft: held.draft, healedFrom: held.identity))
                    }
                }
                lacking = lacking.dropFirst(256)
            }
        } catch {
            logger.error("not healed", metadata: ["alerts": "\(lacking.count)", "error": "\(error)"])
            memory.withLockedValue { $0.owed = (min(position, $0.owed?.after ?? position), epoch) }
        }
    }

    /// Tries again what could not be healed.
    func healOwed() async {
        let owed = memory.withLockedValue { memory in
            defer { memory.owed = nil }
            return memory.owed
        }
        if let owed { await heal(after: owed.after, before: owed.before) }
    }

    private func append(_ records: [LogRecord]) async throws(BusError) -> [Receipt] {
        let receipts = try await store.append(records, seen: memory.withLockedValue { $0.seen })
        guard receipts.count == records.count else {
            throw BusError(.backend, "\(receipts.count) receipts for \(records.count) alerts")
        }
        if let last = receipts.map(\.position).max() { see(last) }
        return receipts
    }

    /// Tells the log why alerts are not taken, seldom: publishers repeat theirs.
    private func complain(_ error: BusError) {
        let isDue = memory.withLockedValue { memory in
            if let last = memory.complained, .now - last < Self.complaintInterval { return false }
            memory.complained = .now
            return true
        }
        if isDue { logger.error("the bus takes no alerts", metadata: ["error": "\(error)"]) }
    }

    private func see(_ position: Position) {
        memory.withLockedValue { $0.seen = max($0.seen, position) }
    }
}
