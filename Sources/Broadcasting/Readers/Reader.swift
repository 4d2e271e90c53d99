import MessageBus
import Reactor

/// The transport below a reader. Called on the reader's event loop only.
public protocol ReaderTransport: AnyObject {
    /// Ends the stream after what was already written; `HubShard.leave` follows when the connection is gone.
    func end(_ reason: EndReason)

    /// The reader has got everything that it asked for from the ring, and is live; or it was waiting, and can follow something now.
    func caughtUp()
}

/// One connected reader of a shard. Bound to the shard's event loop.
///
/// Its invariant: everything in the ring after `cursor` that interests it has not been written to it, everything up to `cursor` has.
public final class Reader {
    enum Phase: Equatable {
        /// Can follow nothing yet: the VM has just begun, and does not know where the log stands.
        case waiting
        /// Follows nothing.
        case idle
        /// Gets every batch as it comes.
        case live
        /// Is being filled from the ring, as fast as it reads.
        case catchingUp
        /// Its cursor is ahead of this VM: it was read on a VM that is further on. Counts the seconds left to wait for it.
        case ahead(secondsLeft: Int)
    }

    unowned let transport: any ReaderTransport
    let writer: any SocketWriter
    public let form: WireForm
    var cursor: Position
    /// Where its stream began on this VM, or went on after a loss.
    var origin: Position
    var phase: Phase
    var backfill: Backfill?
    /// Whether it ends when it has caught up.
    var isPolling = false
    /// The audience that it belongs to or, while it is not live, will belong to.
    var audience: Audience?
    var audienceIndex: Int32 = -1
    var bucket: Int16 = 0
    var bucketIndex: Int32 = -1
    /// Whether bytes arrived since the last heartbeat. Readers that never send count as heard: TCP's own time-out finds them.
    var wasHeard = true
    var isEnding = false

    init(transport: any ReaderTransport, writer: any SocketWriter, form: WireForm, cursor: Position, phase: Phase) {
        self.transport = transport
        self.writer = writer
        self.form = form
        self.cursor = cursor
        self.origin = cursor
        self.phase = phase
    }

    public var interest: Interest? { audience?.interest }

    /// Whether it is being filled, or waits to be: what it follows should not change until it is live.
    public var isCatchingUp: Bool { phase != .live && phase != .idle }

    /// Whether it cannot follow anything yet, since the VM has just begun; ``ReaderTransport/caughtUp()`` tells when it can.
    public var isWaiting: Bool { phase == .waiting }

    /// Whether the hub has ended it.
    public var isEnded: Bool { isEnding }

    /// Bytes arrived from the peer.
    public func heard() { wasHeard = true }
}

@available(*, unavailable)
extension Reader: Sendable {}
