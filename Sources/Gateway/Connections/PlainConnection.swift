import Broadcasting
import MessageBus
import NIOCore
import NIOHTTP1
import Reactor
import WebSocketTransport

/// A connection that speaks HTTP: reads requests that are plain, publishes what they publish, and gives the connection away with the first one that is
/// for someone else: to the hub as a reader, or to the HTTP framework.
///
/// Requests are dealt with one after the other. While one is being published, what comes after it waits here, and no more is read once
/// `maximumHeld` bytes do.
///
/// Isolation: its loop.
final class PlainConnection: SocketHandler {
    private enum State {
        case reading
        /// It is being found out who wants to read, and has a place already: whoever opens sockets too often is not looked up.
        case identifying(SocketPlace)
        /// A request is with the bus, or it is being found out whose it is.
        case publishing(PublishRequest)
        /// Refused, or given away: what still comes is discarded.
        case done
    }

    private static let maximumHeld = 64 * 1024

    private let reception: Reception
    private unowned let socket: StreamSocket
    private var state = State.reading
    /// What has come and was not dealt with.
    private var held: ByteBuffer?
    /// A publishing request whose body is not complete, and where the request ends.
    private var partial: (request: PublishRequest, bodyStart: Int, end: Int)?
    private var isReading = true
    private var hasInputEnded = false
    /// When its wait is over; `nil` while it waits for nothing.
    private(set) var due: NIODeadline?
    /// Its place among the reception's connections.
    var index = -1

    init(at reception: Reception, _ socket: StreamSocket) {
        self.reception = reception
        self.socket = socket
        wait(HTTPDeadline.head)
    }

    private func wait(_ bound: TimeAmount) { due = .now() + bound }

    // MARK: What comes

    func received(_ bytes: inout ByteBuffer) {
        // After a refusal it is discarded, so that the peer gets the answer before the connection's end.
        if case .done = state { return }
        if var held {
            self.held = nil
            held.writeBuffer(&bytes)
            proceed(&held, isOwn: true)
        } else {
            proceed(&bytes, isOwn: false)
        }
    }

    /// Deals with as many requests as are there, and holds what is left.
    ///
    /// - Parameter isOwn: whether the bytes are this connection's; the loop's have to be copied.
    private func proceed(_ bytes: inout ByteBuffer, isOwn: Bool) {
        while case .reading = state, bytes.readableBytes > 0 {
            guard step(&bytes) else { break }
        }
        if case .done = state { return }
        // What is not complete by now never will be.
        if hasInputEnded && !isWaiting { return finish() }
        if bytes.readableBytes > 0 { held = isOwn ? bytes : ByteBuffer(bytes: bytes.readableBytesView) }
        if isWaiting && (held?.readableBytes ?? 0) > Self.maximumHeld { read(false) }
    }

    /// Whether it waits for someone else than the client.
    private var isWaiting: Bool {
        switch state {
        case .identifying, .publishing: true
        case .reading, .done: false
        }
    }

    /// - Returns: `false` where more has to come first.
    private func step(_ bytes: inout ByteBuffer) -> Bool {
        if let partial {
            guard bytes.readableBytes >= partial.end else { return false }
            self.partial = nil
            bytes.moveReaderIndex(forwardBy: partial.bodyStart)
            publish(partial.request, partial.end - partial.bodyStart, &bytes)
            return true
        }
        switch PlainRequestHead.read(bytes) {
        case .incomplete: return false
        case .other: handOver(bytes)
        case .head(let head, let length): take(head, length, &bytes)
        }
        return partial == nil
    }

    private func take(_ head: HTTPRequestHead, _ length: Int, _ bytes: inout ByteBuffer) {
        guard head.excess == nil else { return handOver(bytes) }
        if head.method == .GET {
            let route = Route(path: head.path)
            guard !head.hasBody, route != .http else { return handOver(bytes) }
            switch reception.context.admission(of: head) {
            case .answer(let answer): return answerLast(answer)
            case .serve(let change):
                bytes.moveReaderIndex(forwardBy: length)
                return admit(ReaderRequest(head: head, route: route, cookieChange: change), then: &bytes)
            }
        }
        guard var request = PublishRequest(head, maximumBody: reception.context.configuration.maximumBody) else {
            return handOver(bytes)
        }
        switch reception.context.admission(of: head) {
        case .answer(let answer): return answerLast(answer)
        case .serve(let change): request.cookieChange = change
        }
        guard bytes.readableBytes >= length + request.bodyLength else {
            partial = (request, length, length + request.bodyLength)
            return wait(HTTPDeadline.body)
        }
        bytes.moveReaderIndex(forwardBy: length)
        publish(request, request.bodyLength, &bytes)
    }

    // MARK: Giving it away

    /// Makes the connection a reader's, or refuses.
    func admit(_ request: ReaderRequest, then bytes: inout ByteBuffer) {
        let entrance = ReaderEntrance(reception: reception, socket: socket)
        do throws(GatewayError) {
            try entrance.check(request.head)
            let credentials = Credentials(request.head)
            if let identity = try reception.context.identities.known(credentials) {
                return try admit(request, as: identity, then: &bytes)
            }
            state = .identifying(try entrance.place(for: request.head))
            due = nil
            identify(credentials) { $0.admit(request, $1) }
        } catch {
            refuse(error.carrying(request.cookieChange))
        }
    }

    private func admit(
        _ request: ReaderRequest, as identity: Identity, at place: SocketPlace? = nil, then bytes: inout ByteBuffer
    ) throws(GatewayError) {
        try ReaderEntrance(reception: reception, socket: socket).admit(request, as: identity, at: place)
        leave()
        if bytes.readableBytes > 0 { socket.handler?.received(&bytes) }
    }

    /// Goes on with a reader's request once it is known whose it is.
    private func admit(_ request: ReaderRequest, _ found: Result<Identity, GatewayError>) {
        guard case .identifying(let place) = state else { return }
        var bytes = held ?? ByteBuffer()
        held = nil
        read(true)
        do throws(GatewayError) {
            try reception.context.refuseWhenLeaving()
            try admit(request, as: found.get(), at: place, then: &bytes)
            if hasInputEnded { socket.handler?.inputEnded() }
        } catch {
            place.release()
            refuse(error.carrying(request.cookieChange))
        }
    }

    /// Finds out who makes a request, and goes on with that on the loop.
    private func identify(
        _ credentials: Credentials,
        _ proceed: @escaping @Sendable (PlainConnection, Result<Identity, GatewayError>) -> Void
    ) {
        let bound = NIOLoopBound(self, eventLoop: reception.loop)
        let identities = reception.context.identities
        let loop = reception.loop
        Task {
            let found: Result<Identity, GatewayError>
            do throws(GatewayError) { found = .success(try await identities.find(credentials)) } catch {
                found = .failure(error)
            }
            loop.execute { proceed(bound.value, found) }
        }
    }

    private func handOver(_ bytes: ByteBuffer) {
        leave()
        let earlier = ByteBuffer(bytes: bytes.readableBytesView)
        guard let (descriptor, keepsake) = socket.release(), let slot = keepsake as? ConnectionSlot else {
            return socket.close()
        }
        reception.http.take(descriptor, slot, after: earlier)
    }

    private func leave() {
        state = .done
        due = nil
        reception.forget(self)
    }

    // MARK: Ends

    func inputEnded() {
        hasInputEnded = true
        switch state {
        case .publishing, .identifying: break
        case .done where socket.isFinishing: break
        case .reading: finish()
        case .done: socket.close()
        }
    }

    /// Ends the connection once what was answered is written.
    private func finish() {
        state = .done
        due = nil
        held = nil
        socket.writeThenClose(ByteBuffer())
    }

    func drained() {}

    func closed(_ error: SocketError?) {
        switch state {
        case .publishing: reception.context.requests.end()
        case .identifying(let place): place.release()
        case .reading, .done: break
        }
        leave()
    }

    func timeOut() {
        if partial == nil && held == nil && hasAnswered { return socket.close() }
        refuse(GatewayError(.requestTimeout, "the request did not arrive in time"))
    }

    private func refuse(_ error: GatewayError) {
        reception.context.metrics.refused(error.code)
        answerLast(error.response())
    }

    private func answerLast(_ answer: ByteBuffer) {
        state = .done
        due = nil
        held = nil
        socket.writeThenClose(answer)
    }

    private var hasAnswered = false
}

// Publishing.
extension PlainConnection: PublishReceiver {
    private func publish(_ request: PublishRequest, _ length: Int, _ bytes: inout ByteBuffer) {
        due = nil
        let body = bytes.readBytes(length: length) ?? []
        let context = reception.context
        context.requests.begin()
        state = .publishing(request)
        let visitor = PublishDesk.Visitor(request.head)
        do throws(GatewayError) {
            let address = try PublishDesk(context: context).admit(visitor, from: ClientAddress(socket.peerAddress))
            let credentials = visitor.credentials
            if let identity = try context.identities.known(credentials) {
                return publish(request, visitor, body, as: identity, from: address)
            }
            identify(credentials) { connection, found in
                // The connection may be gone.
                guard case .publishing = connection.state else { return }
                switch found {
                case .success(let identity): connection.publish(request, visitor, body, as: identity, from: address)
                case .failure(let error): connection.answer(request, .failure(error))
                }
                connection.publishedBatch()
            }
        } catch {
            answer(request, .failure(error))
        }
    }

    private func publish(
        _ request: PublishRequest, _ visitor: PublishDesk.Visitor, _ body: [UInt8], as identity: Identity,
        from address: ClientAddress
    ) {
        let context = reception.context
        do throws(GatewayError) {
            let desk = PublishDesk(context: context)
            let (alert, sender) = try desk.read(request, visitor, body: body, of: identity, from: address)
            let outcome = try context.publisher.publish(
                alert, sender: sender, ref: nil, on: reception.lane, for: self)
            if let outcome { answer(request, .success(outcome)) }
        } catch {
            answer(request, .failure(error))
        }
    }

    func published(_ draft: Draft, tag: String?, _ outcome: PublishQueue.Outcome) {
        guard case .publishing(let request) = state else { return }
        answer(request, Publisher.outcome(draft, outcome))
    }

    func publishedBatch() {
        // What came behind the request that was answered.
        guard case .reading = state, var bytes = held else { return }
        held = nil
        proceed(&bytes, isOwn: true)
    }

    private func answer(_ request: PublishRequest, _ outcome: Result<Publisher.Outcome, GatewayError>) {
        let context = reception.context
        context.requests.end()
        hasAnswered = true
        let response = PublishDesk(context: context).response(to: request, outcome)
        guard !request.isLast && !(hasInputEnded && held == nil) && !context.isLeaving else {
            state = .done
            held = nil
            return socket.writeThenClose(response)
        }
        socket.write(response)
        state = .reading
        wait(HTTPDeadline.idle)
        read(true)
    }

    private func read(_ reads: Bool) {
        guard reads != isReading else { return }
        isReading = reads
        socket.setReading(reads)
    }
}

@available(*, unavailable)
extension PlainConnection: Sendable {}
