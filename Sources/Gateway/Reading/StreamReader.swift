import Broadcasting
import NIOCore
import Reactor

/// A reader on `GET /{topics}/sse`, `/json` or `/raw`: an HTTP response without an end, written as the hub writes WebSockets.
///
/// The response has no length and no chunks: it ends with the connection (RFC 9112 section 6.3), so the same bytes go to every reader.
final class StreamReader: SocketHandler, ReaderTransport {
    private let reception: Reception
    private let place: SocketPlace
    private let identity: Identity
    private var watch: IdentityWatch?
    private var stays: RoomStays?
    private unowned let socket: StreamSocket
    private var reader: Reader?
    private var beginning: StreamBeginning?

    init(at reception: Reception, place: SocketPlace, identity: Identity, socket: StreamSocket) {
        self.reception = reception
        self.place = place
        self.identity = identity
        self.socket = socket
    }

    private var shard: HubShard { reception.shard }

    /// Begins to read.
    ///
    /// - Parameters:
    ///   - request: what it asks for.
    ///   - response: the response's head.
    func open(_ request: ReadRequest, with response: ByteBuffer) {
        let reader = shard.attach(self, writer: socket, form: request.form)
        self.reader = reader
        let beginning = StreamBeginning(of: request, at: reception)
        self.beginning = beginning
        watch = IdentityWatch(of: identity, at: reception) { [unowned self] in end(.leaving) }
        shard.write(response, to: reader)
        if !request.isPolling { stays = RoomStays(of: identity, at: reception) }
        if beginning.isHeldUp(reader) { shard.tellOfAbsence(reader) }
        beginOnceReady()
    }

    private func beginOnceReady() {
        guard let reader, let begin = beginning?.take(for: reader) else { return }
        begin(reader)
        stays?.follow(reader.interest?.topics)
    }

    /// The client has nothing to say any more; what it says is discarded.
    func received(_ bytes: inout ByteBuffer) {}

    func inputEnded() {
        // A client that ends its side after a poll still reads the answer.
        if reader?.isEnded == true && socket.isFinishing { return }
        socket.close()
    }

    func drained() { if let reader { shard.drained(reader) } }

    func closed(_ error: SocketError?) {
        if let reader { shard.leave(reader) }
        reader = nil
        watch?.stop()
        stays?.leave()
        place.release()
    }

    func caughtUp() { beginOnceReady() }

    func end(_ reason: EndReason) { socket.writeThenClose(ByteBuffer()) }
}

@available(*, unavailable)
extension StreamReader: Sendable {}
