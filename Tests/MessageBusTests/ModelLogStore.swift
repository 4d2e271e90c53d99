import MessageBus
import NIOConcurrencyHelpers

/// A log store as `LogStore` describes it, in memory, with what real ones do seldom done when it is asked for: it loses its end, or carries nothing,
/// or takes nothing.
final class ModelLogStore: LogStore {
    private struct State {
        var entries: [StoredAlert] = []
        var epoch: UInt64 = 1
        /// The time, from which epochs begin: no fault turns it back.
        var clock: UInt64 = 1
        var sequence: UInt64 = 0
        var predecessor = Position.origin
        /// Of another run than the epoch was written in.
        var isNewRun = false
        /// Grows with each fault: feeds of another number are closed.
        var run = 0
        var troubles: Set<Trouble> = []
        var keys: [String: Position] = [:]
        var healed: [Position: Position] = [:]
    }

    enum Trouble {
        /// What is sent through the VMs' channels is not heard.
        case deaf
        /// What is in the log is not read.
        case blind
        /// Nothing can be put into the log.
        case full
        /// Another boot has the VM's name.
        case taken
        /// Nothing answers, and connections end.
        case away
    }

    private let state = NIOLockedValueBox(State())

    func set(_ trouble: Trouble, _ isSo: Bool) {
        state.withLockedValue { state in
            if isSo { state.troubles.insert(trouble) } else { state.troubles.remove(trouble) }
            if trouble == .away { state.run += 1 }
        }
    }

    func has(_ trouble: Trouble) -> Bool { state.withLockedValue { $0.troubles.contains(trouble) } }

    private func answer() throws(BusError) {
        if has(.away) { throw BusError(.unavailable, "nothing answers", retryAfter: 1) }
    }

    var head: Position { state.withLockedValue { $0.entries.last?.position ?? Position(epoch: $0.epoch, offset: 0) } }

    /// The backend crashes and comes back without its last `count` alerts.
    func crash(losing count: Int) {
        state.withLockedValue { state in
            let lost = state.entries.suffix(count)
            state.entries.removeLast(lost.count)
            for entry in lost {
                state.keys = state.keys.filter { $0.value != entry.position }
                state.healed = state.healed.filter { $0.value != entry.position }
            }
            // What is known of the log is as old as the log itself.
            if let last = state.entries.last?.position {
                if last.epoch != state.epoch { state.predecessor = .origin }
                (state.epoch, state.sequence) = (last.epoch, last.offset)
            } else {
                (state.epoch, state.sequence, state.predecessor) = (1, 0, .origin)
            }
            state.isNewRun = true
            state.run += 1
        }
    }

    func open(seen: Position) async throws(BusError) -> LogState {
        try answer()
        return state.withLockedValue { state in
            Self.begin(&state, seen: seen)
            return LogState(
                head: Position(epoch: state.epoch, offset: state.sequence), predecessor: state.predecessor)
        }
    }

    func append(_ records: [LogRecord], seen: Position) async throws(BusError) -> [Receipt] {
        try answer()
        if has(.full) { throw BusError(.unavailable, "there is no room") }
        return state.withLockedValue { state in
            Self.begin(&state, seen: seen)
            return records.map { record in
                if let healedFrom = record.healedFrom, let known = state.healed[healedFrom] {
                    return Receipt(position: known, isDuplicate: true)
                }
                if let key = record.draft.key, let known = state.keys[key] {
                    return Receipt(position: known, isDuplicate: true)
                }
                state.sequence += 1
                let position = Position(epoch: state.epoch, offset: state.sequence)
                state.entries.append(
                    StoredAlert(
                        position: position, body: record.draft.encoded, key: record.draft.key,
                        healedFrom: record.healedFrom, predecessor: state.sequence == 1 ? state.predecessor : nil))
                if let key = record.draft.key { state.keys[key] = position }
                if let healedFrom = record.healedFrom { state.healed[healedFrom] = position }
                return Receipt(position: position, isDuplicate: false)
            }
        }
    }

    private static func begin(_ state: inout State, seen: Position) {
        let end = Position(epoch: state.epoch, offset: state.sequence)
        guard state.isNewRun || seen > end else { return }
        if state.sequence > 0 { state.predecessor = end }
        state.clock = max(state.clock, state.epoch, seen.epoch) + 1
        state.epoch = state.clock
        state.sequence = 0
        state.isNewRun = false
    }

    func bounds(beforeLast count: Int) async throws(BusError) -> LogBounds {
        LogBounds(floor: head, start: head, head: head)
    }

    func feed(of vm: VMIdentity) async throws(BusError) -> ModelLogFeed {
        try answer()
        return ModelLogFeed(store: self, run: state.withLockedValue { $0.run })
    }

    func read(after cursor: Position, limit: Int, run: Int) throws(BusError) -> LogReading {
        let found = state.withLockedValue { state in
            guard state.run == run else { return [StoredAlert]?.none }
            return state.troubles.contains(.blind)
                ? [] : Array(state.entries.filter { $0.position > cursor }.prefix(limit))
        }
        guard let found else { throw BusError(.unavailable, "the backend crashed") }
        return found.isEmpty ? .nothing : .alerts(found)
    }

    func join(_ vm: VMIdentity, load: VMLoad) async throws(BusError) -> Position? { nil }
    func renew(_ vm: VMIdentity, load: VMLoad) async throws(BusError) -> Renewal {
        Renewal(isCurrent: !has(.taken), head: head)
    }

    func leave(_ vm: VMIdentity) async throws(BusError) {}
    func reap(lease: Duration) async throws(BusError) -> [SubscriptionName] { [] }
    func members() async throws(BusError) -> LogMembers { LogMembers(members: [], head: head) }
    func close() async {}
}

final class ModelLogFeed: LogFeed {
    private let store: ModelLogStore
    private let run: Int
    private let isClosed = NIOLockedValueBox(false)

    init(store: ModelLogStore, run: Int) {
        self.store = store
        self.run = run
    }

    func read(after cursor: Position, limit: Int, wait: Duration) async throws(BusError) -> LogReading {
        if isClosed.withLockedValue({ $0 }) { throw BusError(.unavailable, "the feed is closed") }
        let reading = try store.read(after: cursor, limit: limit, run: run)
        if case .nothing = reading { try? await ContinuousClock().sleep(for: .milliseconds(2)) }
        return reading
    }

    func probe(within bound: Duration) async throws(BusError) {
        if store.has(.deaf) { throw BusError(.unavailable, "nothing is heard") }
    }

    func close() async { isClosed.withLockedValue { $0 = true } }
}
