import NIOCore
import Reactor

/// The writing side of a NIO channel: what a client's WebSocket is written through.
///
/// Everything goes through the channel's `writeAndFlush`. A channel may report an error, its end or left-over bytes to its handlers while it is
/// written to; ``isBusy`` tells a handler to pass that on in a later turn of the loop, which keeps ``SocketWriter``'s promise of no callbacks.
final class ChannelWriter: SocketWriter {
    private enum State {
        /// Takes writes.
        case open
        /// The last bytes were given; the channel stays as it is.
        case sealed
        /// The last bytes were given; the output is closed once they are written.
        case finishing
        /// Closed, or about to be after a failure.
        case closed
    }

    /// How long a connection may take to end once its last bytes were queued.
    private static let closingBound = TimeAmount.seconds(5)

    private let channel: any Channel
    private var state = State.open

    /// Whether a call is under way.
    private(set) var isBusy = false
    /// Told in a call of the channel's that everything is written. Cleared when the handler leaves the pipeline: this breaks the reference cycle.
    var drained: (() -> Void)?
    private(set) var pendingBytes = 0

    var eventLoop: any EventLoop { channel.eventLoop }
    var isOpen: Bool { state == .open && channel.isActive }
    var isFinishing: Bool { state == .finishing && pendingBytes > 0 }

    init(channel: any Channel) {
        channel.eventLoop.preconditionInEventLoop()
        self.channel = channel
    }

    func write(_ bytes: ByteBuffer) {
        guard state == .open else { return }
        put(bytes)
    }

    func writeThenClose(_ bytes: ByteBuffer) {
        guard state == .open || state == .sealed else { return }
        put(bytes)
        guard state != .closed else { return }
        if state == .open { closeLater() }
        state = .finishing
        if pendingBytes == 0 { closeOutput() }
    }

    func writeLast(_ bytes: ByteBuffer) {
        guard state == .open else { return }
        put(bytes)
        guard state != .closed else { return }
        state = .sealed
        closeLater()
    }

    func close() {
        guard state != .closed else { return }
        state = .closed
        guarded { channel.close(mode: .all, promise: nil) }
    }

    private func put(_ bytes: ByteBuffer) {
        let count = bytes.readableBytes
        guard count > 0 else { return }
        let promise = channel.eventLoop.makePromise(of: Void.self)
        pendingBytes += count
        promise.futureResult.assumeIsolated().whenComplete { [self] result in
            wrote(count, failed: (try? result.get()) == nil)
        }
        guarded { channel.writeAndFlush(bytes, promise: promise) }
    }

    private func wrote(_ count: Int, failed: Bool) {
        pendingBytes -= count
        if failed {
            guard state != .closed else { return }
            state = .closed
            let channel = channel
            channel.eventLoop.execute { channel.close(mode: .all, promise: nil) }
            return
        }
        guard pendingBytes == 0, !isBusy else { return }
        switch state {
        case .finishing: closeOutput()
        case .open: drained?()
        case .sealed, .closed: break
        }
    }

    private func closeOutput() {
        guarded { channel.close(mode: .output, promise: nil) }
    }

    private func closeLater() {
        let channel = channel
        channel.eventLoop.scheduleTask(in: Self.closingBound) { channel.close(mode: .all, promise: nil) }
    }

    private func guarded(_ body: () -> Void) {
        let wasBusy = isBusy
        isBusy = true
        body()
        isBusy = wasBusy
    }
}
