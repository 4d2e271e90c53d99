import MessageBus
import NIOCore

/// Ends a socket when the identity ends that it was opened with: when its token's time is over, and when its user signs out.
///
/// Isolation: its event loop.
final class IdentityWatch {
    private let context: GatewayContext
    private let eventLoop: any EventLoop
    private let end: () -> Void
    private var identity: Identity
    private var timer: Scheduled<Void>?

    /// - Parameter end: closes the socket; called once at most.
    /// - Returns: `nil` where the identity cannot end.
    init?(of identity: Identity, at reception: Reception, end: @escaping () -> Void) {
        guard identity.expires != nil || identity.session != nil else { return nil }
        self.identity = identity
        self.context = reception.context
        self.eventLoop = reception.loop
        self.end = end
        if let session = identity.session, !context.sessionSockets.add(self, on: eventLoop, to: session) {
            // The user signed out while the socket was being opened.
            let bound = NIOLoopBound(self, eventLoop: eventLoop)
            eventLoop.execute { bound.value.ended() }
            return
        }
        arm()
    }

    /// The socket is gone. Repeating it has no effect.
    func stop() {
        timer?.cancel()
        timer = nil
        if let session = identity.session { context.sessionSockets.remove(self, from: session) }
        identity = .anonymous
    }

    /// The identity has ended.
    func ended() {
        guard identity != .anonymous else { return }
        stop()
        end()
    }

    /// Looks whether the session is still there, and keeps it while its socket is.
    func check() {
        guard let key = identity.session else { return }
        let sessions = context.identities.sessions
        let bound = NIOLoopBound(self, eventLoop: eventLoop)
        let eventLoop = eventLoop
        Task {
            do throws(GatewayError) {
                guard let session = try await sessions.find(key) else {
                    return eventLoop.execute { bound.value.ended() }
                }
                try await sessions.refresh(key, session)
            } catch {
                // A store that is away ends nobody's session.
            }
        }
    }

    private func arm() {
        let now = context.clock.now()
        var wait = identity.expires.map { max(0, $0.milliseconds - now.milliseconds) }
        if identity.session != nil {
            let half = min(context.identities.sessions.lifetime.components.seconds * 500, Self.interval)
            wait = min(wait ?? half, half)
        }
        guard let wait else { return }
        let bound = NIOLoopBound(self, eventLoop: eventLoop)
        timer = eventLoop.scheduleTask(in: .milliseconds(min(wait, Self.longest))) { bound.value.fire() }
    }

    /// How often a session is looked for at least, in milliseconds: while the bus is away nobody tells that it has ended.
    private static let interval: Int64 = 300_000
    /// So long a timer may be, in milliseconds: a day.
    private static let longest: Int64 = 86_400_000

    private func fire() {
        if let expires = identity.expires, expires <= context.clock.now() { return ended() }
        check()
        arm()
    }
}

@available(*, unavailable)
extension IdentityWatch: Sendable {}
