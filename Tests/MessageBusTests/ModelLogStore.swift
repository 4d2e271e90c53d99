import MessageBus
import NIOConcurrencyHelpers

/// A log store as `LogStore` describes it, in memory, with what real ones do seldom done when it is asked for: it loses its end, or everything.
///
/// Reads never wait: whoever asks has made sure that there is something.
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
        var keys: [String: Position] = [:]
        var healed: [Position: Position] = [:]
    }

    private let state = NIOLockedValueBox(State())

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
        state.withLockedValue { state in
            Self.begin(&state, seen: seen)
            return LogState(
                head: Position(epoch: state.epoch, offset: state.sequence), predecessor: state.predecessor)
        }
    }

    func append(_ records: [LogRecord], seen: Position) async throws(BusError) -> [Receipt] {
        state.withLockedValue { state in
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
        ModelLogFeed(store: self, run: state.withLockedValue { $0.run })
    }

    func read(after cursor: Position, limit: Int, run: Int) throws(BusError) -> LogReading {
        let found = state.withLockedValue { state in
            state.run == run ? Array(state.entries.filter { $0.position > cursor }.prefix(limit)) : nil
        }
        guard let found else { throw BusError(.unavailable, "the backend crashed") }
        return found.isEmpty ? .nothing : .alerts(found)
    }

    func join(_ vm: VMIdentity, load: VMLoad) async throws(BusError) -> Position? { nil }
    func renew(_ vm: VMIdentity, load: VMLoad) async throws(BusError) -> Renewal {
        Renewal(isCurrent: true, head: head)
    }
    func leave(_ vm: VMIdentity) async throws(BusError) {}
    func reap(lease: Duration) async throws(BusError) -> [SubscriptionName] { [] }
    func members() async throws(BusError) -> LogMembers { LogMembers(members: [], head: head) }
    func close() async {}
}

struct ModelLogFeed: LogFeed {
    let store: ModelLogStore
    let run: Int

    func read(after cursor: Position, limit: Int, wait: Duration) async throws(BusError) -> LogReading {
        try store.read(after: cursor, limit: limit, run: run)
    }

    func probe(within bound: Duration) async throws(BusError) {}
    func close() async {}
}
