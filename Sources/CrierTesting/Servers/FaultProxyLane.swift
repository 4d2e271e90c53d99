import NIOCore

/// One direction of a connection: what was read and has not been written yet. Bound to the proxy's event loop.
final class FaultProxyLane {
    enum Item {
        case bytes(ByteBuffer)
        /// The source sends nothing more.
        case end
        /// The source is gone.
        case close
    }

    /// Beyond this the source is not read.
    private static let limit = 1 << 20

    private let eventLoop: any EventLoop
    var source: (any Channel)?
    var sink: (any Channel)?
    var fault = FaultProxy.Fault.none
    private var items = CircularBuffer<(item: Item, due: NIODeadline)>()
    private var bytes = 0
    private var isPumpScheduled = false
    private var isStopped = false
    private var isReading = false

    init(eventLoop: any EventLoop) {
        self.eventLoop = eventLoop
    }

    var isEmpty: Bool { items.isEmpty }

    func add(_ item: Item) {
        guard !isStopped else { return }
        var due = NIODeadline.now()
        if case .delay(let duration) = fault { due = due + TimeAmount(duration) }
        // A shorter delay does not let bytes overtake.
        if let last = items.last { due = max(due, last.due) }
        if case .bytes(let buffer) = item { bytes += buffer.readableBytes }
        items.append((item, due))
        pump()
    }

    /// What was asked for has come.
    func readComplete() {
        isReading = false
        wantMore()
    }

    /// Reads on where there is room.
    func wantMore() {
        guard !isStopped, !isReading, fault != .drop, bytes < Self.limit, let source, source.isActive else { return }
        isReading = true
        source.read()
    }

    /// Nothing arrives any more.
    func stop() {
        isStopped = true
        items.removeAll()
        bytes = 0
    }

    /// Writes what is due.
    func pump() {
        guard let sink, fault != .drop, !isStopped else { return }
        var hasWritten = false
        while let (item, due) = items.first, sink.isWritable {
            let wait = due - NIODeadline.now()
            if wait > .nanoseconds(0) {
                schedulePump(in: wait)
                break
            }
            items.removeFirst()
            switch item {
            case .bytes(let buffer):
                bytes -= buffer.readableBytes
                sink.write(buffer, promise: nil)
                hasWritten = true
            case .end:
                sink.flush()
                sink.close(mode: .output, promise: nil)
            case .close:
                sink.flush()
                finish(sink)
            }
        }
        if hasWritten {
            sink.flush()
            wantMore()
        }
    }

    /// Closes the sink after what was written to it.
    private func finish(_ sink: any Channel) {
        stop()
        sink.writeAndFlush(ByteBuffer()).whenComplete { _ in sink.close(promise: nil) }
    }

    private func schedulePump(in wait: TimeAmount) {
        guard !isPumpScheduled else { return }
        isPumpScheduled = true
        eventLoop.assumeIsolated().scheduleTask(in: wait) {
            self.isPumpScheduled = false
            self.pump()
        }
    }
}

@available(*, unavailable)
extension FaultProxyLane: Sendable {}
