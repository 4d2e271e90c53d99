import CrierTesting
import NIOCore
import WebSocketTransport

/// Records what a session is told, and lets a test wait for it with a bound.
final class ProbeSession: WebSocketSession {
    enum Event: Equatable, Sendable {
        case opened
        case text(String)
        case binary([UInt8])
        case heard, drained
        case closed(WebSocketCloseCode?, String)
    }

    struct Timeout: Error {
        let events: [Event]
    }

    var socket: WebSocket?
    private(set) var events: [Event] = []
    var onText: ((String) -> Void)?
    var onOpened: (() -> Void)?
    private var waiters: [(condition: (ProbeSession) -> Bool, promise: EventLoopPromise<Void>)] = []

    /// How often `closed` was called.
    var ends: Int { events.count { if case .closed = $0 { true } else { false } } }
    /// The events that are neither `opened` nor `heard`.
    var content: [Event] { events.filter { $0 != .opened && $0 != .heard && $0 != .drained } }

    func opened(by socket: WebSocket) {
        self.socket = socket
        onOpened?()
        record(.opened)
    }

    func received(text: ByteBuffer) {
        let text = String(buffer: text)
        onText?(text)
        record(.text(text))
    }

    func received(binary: ByteBuffer) { record(.binary(Array(binary.readableBytesView))) }
    func heard() { record(.heard) }
    func drained() { record(.drained) }
    func closed(code: WebSocketCloseCode?, reason: String) { record(.closed(code, reason)) }

    /// Succeeds once the condition holds after an event, fails after `Duration.patience`.
    func wait(until condition: @escaping (ProbeSession) -> Bool) -> EventLoopFuture<Void> {
        guard let eventLoop = socket?.eventLoop else { preconditionFailure("waited for before it was opened") }
        let promise = eventLoop.makePromise(of: Void.self)
        guard !condition(self) else {
            promise.succeed()
            return promise.futureResult
        }
        waiters.append((condition, promise))
        eventLoop.assumeIsolated().scheduleTask(in: TimeAmount(.patience)) { [self] in
            promise.fail(Timeout(events: events))
        }
        return promise.futureResult
    }

    private func record(_ event: Event) {
        events.append(event)
        let fulfilled = waiters.filter { $0.condition(self) }
        waiters.removeAll { $0.condition(self) }
        for waiter in fulfilled { waiter.promise.succeed() }
    }
}
