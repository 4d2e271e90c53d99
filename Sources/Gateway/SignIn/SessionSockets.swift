import DequeModule
import NIOConcurrencyHelpers
import NIOCore

/// The sockets of this VM that were opened with a session, so that they end with it. Bounded by the sockets.
///
/// The sessions that ended last are remembered, for sockets that were being opened meanwhile: `maximumEnded`, of more the oldest are forgotten.
final class SessionSockets: Sendable {
    private struct State {
        var watches: [SessionKey: [ObjectIdentifier: NIOLoopBound<IdentityWatch>]] = [:]
        var ended: Set<SessionKey> = []
        var endedInOrder: Deque<SessionKey> = []
    }

    private static let maximumEnded = 4096

    private let state = NIOLockedValueBox(State())

    /// - Returns: `false` where the session has ended.
    func add(_ watch: IdentityWatch, on eventLoop: any EventLoop, to session: SessionKey) -> Bool {
        let bound = NIOLoopBound(watch, eventLoop: eventLoop)
        let id = ObjectIdentifier(watch)
        return state.withLockedValue { state in
            guard !state.ended.contains(session) else { return false }
            state.watches[session, default: [:]][id] = bound
            return true
        }
    }

    func remove(_ watch: IdentityWatch, from session: SessionKey) {
        let id = ObjectIdentifier(watch)
        state.withLockedValue { state in
            state.watches[session]?[id] = nil
            if state.watches[session]?.isEmpty == true { state.watches[session] = nil }
        }
    }

    /// Ends the sockets of a session, those too that are being opened. Repeating it has no effect.
    func end(_ session: SessionKey) {
        let watches = state.withLockedValue { state in
            if state.ended.insert(session).inserted { state.endedInOrder.append(session) }
            if state.endedInOrder.count > Self.maximumEnded { state.ended.remove(state.endedInOrder.removeFirst()) }
            return state.watches[session]?.values ?? [:].values
        }
        for watch in watches { watch.eventLoop.execute { watch.value.ended() } }
    }

    /// Has all sockets look whether their sessions are still there.
    func check() {
        for watch in state.withLockedValue({ $0.watches.values.flatMap(\.values) }) {
            watch.eventLoop.execute { watch.value.check() }
        }
    }
}
