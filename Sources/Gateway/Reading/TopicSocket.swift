import Broadcasting
import MessageBus
import NIOCore
import WebSocketTransport

/// A reader on `GET /{topics}/ws`, in ntfy's form or as CloudEvents: the server speaks, what the client sends is read and ignored.
final class TopicSocket: WebSocketSession, ReaderTransport {
    private let reception: Reception
    private let form: WireForm
    private var beginning: StreamBeginning
    private let place: SocketPlace
    private let identity: Identity
    private var watch: IdentityWatch?
    private var stays: RoomStays?
    private var socket: WebSocket?
    private var reader: Reader?

    init(at reception: Reception, _ request: ReadRequest, form: WireForm, place: SocketPlace, identity: Identity) {
        self.reception = reception
        self.form = form
        self.beginning = StreamBeginning(of: request, at: reception)
        self.place = place
        self.identity = identity
    }

    private var shard: HubShard { reception.shard }

    func opened(by socket: WebSocket) {
        self.socket = socket
        let reader = shard.attach(self, writer: socket.writer, form: form)
        self.reader = reader
        if beginning.isHeldUp(reader) { shard.tellOfAbsence(reader) }
        watch = IdentityWatch(of: identity, at: reception) { [unowned self] in
            self.socket?.close(code: .signedOut, reason: "signed out")
        }
        stays = RoomStays(of: identity, at: reception)
        beginOnceReady()
    }

    private func beginOnceReady() {
        guard let reader, let begin = beginning.take(for: reader) else { return }
        begin(reader)
        stays?.follow(reader.interest?.topics)
    }

    func received(text: ByteBuffer) {}

    func received(binary: ByteBuffer) {}

    func heard() { reader?.heard() }

    func drained() { if let reader { shard.drained(reader) } }

    func caughtUp() { beginOnceReady() }

    func end(_ reason: EndReason) {
        let (code, text) = reason.close
        socket?.close(code: code, reason: text)
    }

    func closed(code: WebSocketCloseCode?, reason: String) {
        if let reader { shard.leave(reader) }
        watch?.stop()
        stays?.leave()
        place.release()
    }
}

extension HubShard {
    /// Opens a reader's stream: the `open` event unless it polls, a reset if there has to be one, what it asked for, and then the live feed.
    func begin(_ reader: Reader, _ request: ReadRequest, _ context: GatewayContext) {
        let opening = opening(for: request.interest, since: request.since)
        if !request.isPolling {
            write(
                .open(
                    cursor: opening.reset?.since ?? opening.cursor, topics: request.topics, vm: context.hub.vm,
                    heartbeat: context.hub.configuration.heartbeat, time: context.clock.now()),
                to: reader)
        }
        follow(reader, request.interest, from: opening, isPolling: request.isPolling)
    }
}
