import NIOConcurrencyHelpers
import NIOCore

/// The sockets of this VM that were opened with a session, so that they end with it. Bounded by the sockets.
final class SessionSockets: Sendable {
    private let watches = NIOLockedValueBox<[SessionKey: [ObjectIdentifier: NIOLoopBound<IdentityWatch>]]>([:])

    func add(_ watch: IdentityWatch, on eventLoop: any EventLoop, to session: SessionKey) {
        let bound = NIOLoopBound(watch, eventLoop: eventLoop)
        let id = ObjectIdentifier(watch)
        watches.withLockedValue { $0[session, default: [:]][id] = bound }
    }

    func remove(_ watch: IdentityWatch, from session: SessionKey) {
        let id = ObjectIdentifier(watch)
        watches.withLockedValue { watches in
            watches[session]?[id] = nil
            if watches[session]?.isEmpty == true { watches[session] = nil }
        }
    }

    /// Ends the sockets of a session.
    func end(_ session: SessionKey) {
        for watch in watches.withLockedValue({ $0[session]?.values }) ?? [:].values {
            watch.eventLoop.execute { watch.value.ended() }
        }
    }

    /// Has all sockets look whether their sessions are still there.
    func check() {
        for watch in watches.withLockedValue({ $0.values.flatMap(\.values) }) {
            watch.eventLoop.execute { watch.value.check() }
        }
    }
}
