import Broadcasting
import MessageBus
import NIOCore
import NIOHTTP1
import Reactor
import WebSocketTransport

/// Lets readers in: checks a reading request, answers it, and makes its connection a reader's.
struct ReaderEntrance {
    let reception: Reception
    let socket: StreamSocket

    private var context: GatewayContext { reception.context }

    /// Refuses whoever may not come in, whoever they are.
    func check(_ head: HTTPRequestHead) throws(GatewayError) {
        try context.refuseWhenLeaving()
        let host = head.headers.first(name: "host")
        try context.checkOrigin(head.headers.first(name: "origin"), host: host)
    }

    /// - Parameter place: where it has one already.
    /// - Throws: the refusal, before anything is changed.
    func admit(_ request: ReaderRequest, as identity: Identity, at place: SocketPlace?) throws(GatewayError) {
        let head = request.head
        switch request.route {
        case .duplex: try openDuplex(request, as: identity, at: place)
        case .room:
            guard identity.user != nil else { throw GatewayError(.unauthorized, "sign in to enter a room") }
            // Also where the room's region has no VM any more: who is there stays with those who are, and hears them through this one.
            try openDuplex(request, as: identity, at: place)
        case .read(let topics, let form):
            let reading = try ReadRequest(
                topics: topics, form: form, fields: RequestFields(head), now: context.clock.now(),
                limits: context.readLimits
            ).restricted(by: context.rights, to: identity)
            if form == .webSocket {
                let handshake = try handshake(head, subprotocols: ["cloudevents.json"])
                let plain: WireForm = handshake.subprotocol == nil ? .webSocket : .cloudEvents
                let session = TopicSocket(
                    at: reception, reading, form: handshake.compression == nil ? plain : plain.deflated,
                    place: try self.place(for: head, unless: place), identity: identity)
                open(handshake, session, request.cookieChange)
            } else {
                let response = StreamResponse.head(
                    form: form, origin: head.headers.first(name: "origin"),
                    policy: context.configuration.allowedOrigins, cookieChange: request.cookieChange)
                let reader = StreamReader(
                    at: reception, place: try self.place(for: head, unless: place), identity: identity, socket: socket)
                socket.handler = reader
                socket.joiningWrites { reader.open(reading, with: response) }
            }
        case .http: throw GatewayError(.internalError, "not a reader's request")
        }
    }

    private func openDuplex(
        _ request: ReaderRequest, as identity: Identity, at place: SocketPlace?
    ) throws(GatewayError) {
        let handshake = try handshake(request.head, subprotocols: ["crier.v1"])
        let session = DuplexSocket(
            at: reception, form: handshake.compression == nil ? .webSocket : .deflatedWebSocket,
            place: try self.place(for: request.head, unless: place), identity: identity, now: .now())
        open(handshake, session, request.cookieChange)
    }

    /// Counts the handshake and takes a place among the address's sockets, unless there is one already.
    func place(for head: HTTPRequestHead, unless place: SocketPlace? = nil) throws(GatewayError) -> SocketPlace {
        if let place { return place }
        let address = context.address(of: ClientAddress(socket.peerAddress)) { head.headers[$0].last }
        return try SocketPlace(context.addresses, address)
    }

    private func handshake(
        _ head: HTTPRequestHead, subprotocols: [String]
    ) throws(GatewayError) -> WebSocketHandshake {
        do throws(WebSocketHandshakeError) {
            return try WebSocketHandshake.accept(
                head, subprotocols: subprotocols, compression: context.configuration.compresses)
        } catch {
            throw GatewayError(
                error.status == 426 ? .upgradeRequired : .invalidHandshake, error.message,
                headers: error.headers.map { GatewayError.Header(name: $0.name, value: $0.value) })
        }
    }

    private func open(
        _ handshake: WebSocketHandshake, _ session: some WebSocketSession, _ cookieChange: CookieChange?
    ) {
        let limits = WebSocketLimits(
            maxFrameBytes: context.configuration.maximumBody, maxMessageBytes: context.configuration.maximumBody)
        let connection = WebSocketConnection(
            session: session, writer: socket, limits: limits, compression: handshake.compression)
        socket.handler = connection
        let cookie = cookieChange.map { [(CookieChange.headerName, $0.headerValue)] } ?? []
        socket.joiningWrites {
            socket.write(handshake.response(extraHeaders: cookie))
            connection.open()
        }
    }
}
