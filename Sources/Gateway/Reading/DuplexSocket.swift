import Broadcasting
import DequeModule
import MessageBus
import NIOCore
import Reactor
import StrictJSON
import WebSocketTransport

/// One socket of the duplex protocol on `GET /ws`. Bound to its event loop.
///
/// Frames are carried out in the order in which they came, except that what changes the topics waits while the socket is still being filled from
/// the ring, and that everything waits while a token is being verified. At most `maximumPending` frames of each kind and as many unanswered publishes
/// wait; overflow policy: the newest is refused (42904).
final class DuplexSocket: WebSocketSession, ReaderTransport {
    private static let maximumPending = 1024
    /// So many refusals for its rate in a row close the socket.
    private static let patience = 100

    private let reception: Reception
    private let form: WireForm
    private let place: SocketPlace
    /// The name that its alerts carry, found when it publishes first.
    private var sender: String?
    private var identity: Identity
    private var watch: IdentityWatch?
    private var stays: RoomStays?
    /// Frames that came while a token is being verified; `nil` while none is.
    private var held: Deque<DuplexRequest>?
    private var bucket: TokenBucket
    private var rateRefusals = 0
    private var socket: WebSocket?
    private var reader: Reader?
    /// Whether the `open` event was written, which says where the log stands.
    private var isGreeted = false
    /// Frames that change the topics and wait until the reader is live.
    private var waiting: Deque<DuplexRequest> = []
    private var unanswered = 0
    /// What a batch brought of answers, written at its end.
    private var answers: ByteBuffer?
    /// Set while a socket that is to be closed waits for the answers to its publishes.
    private var ending: EndReason?

    /// - Parameter identity: who made the handshake.
    init(at reception: Reception, form: WireForm, place: SocketPlace, identity: Identity, now: NIODeadline) {
        self.reception = reception
        self.form = form
        self.place = place
        self.identity = identity
        self.bucket = TokenBucket(reception.context.configuration.socketRate, now: now)
    }

    private var context: GatewayContext { reception.context }
    private var shard: HubShard { reception.shard }

    func opened(by socket: WebSocket) {
        self.socket = socket
        let reader = shard.attach(self, writer: socket.writer, form: form)
        self.reader = reader
        take(identity)
        if reader.isWaiting { shard.tellOfAbsence(reader) } else { greet(reader) }
    }

    private func greet(_ reader: Reader) {
        isGreeted = true
        shard.write(
            .open(
                cursor: shard.head, topics: nil, vm: context.hub.vm, heartbeat: context.hub.configuration.heartbeat,
                time: context.clock.now()),
            to: reader)
    }

    func received(text: ByteBuffer) {
        do throws(DuplexRequest.Refusal) {
            carryOut(
                try DuplexRequest(
                    text.readableBytesView, intake: context.intake, limits: context.readLimits, now: context.clock.now()
                ))
        } catch {
            refuse(error.error, ref: error.ref)
        }
    }

    func received(binary: ByteBuffer) {
        socket?.close(code: .unsupportedData, reason: "the protocol is text")
    }

    func heard() { reader?.heard() }

    func drained() { if let reader { shard.drained(reader) } }

    func caughtUp() {
        if let reader, !isGreeted { greet(reader) }
        // The next frame may need the ring again, which puts the rest off once more.
        holdToRights()
        while let request = waiting.first, reader?.isCatchingUp == false {
            waiting.removeFirst()
            changeTopics(request)
        }
    }

    func end(_ reason: EndReason) {
        if reason == .draining && unanswered > 0 { ending = reason } else { close(reason) }
    }

    private func close(_ reason: EndReason) {
        let (code, text) = reason.close
        socket?.close(code: code, reason: text)
    }

    func closed(code: WebSocketCloseCode?, reason: String) {
        if let reader { shard.leave(reader) }
        reader = nil
        waiting.removeAll()
        held = nil
        watch?.stop()
        stays?.leave()
        place.release()
    }

    private func carryOut(_ request: DuplexRequest) {
        guard ending == nil else {
            return refuse(GatewayError(.draining, "this server is shutting down", retryAfter: 1), ref: request.ref)
        }
        if let held {
            guard held.count < Self.maximumPending else { return refuse(Self.tooMany, ref: request.ref) }
            self.held?.append(request)
            return
        }
        switch request.operation {
        case .subscribe, .unsubscribe:
            if !waiting.isEmpty || reader?.isCatchingUp == true {
                guard waiting.count < Self.maximumPending else { return refuse(Self.tooMany, ref: request.ref) }
                waiting.append(request)
            } else {
                changeTopics(request)
            }
        case .publish(let alert): publish(alert, ref: request.ref)
        case .authenticate(let token): authenticate(token, ref: request.ref)
        case .ping: acknowledge(request.ref)
        }
    }

    private func findSender() -> String {
        if let sender { return sender }
        let found = context.senders.name(of: identity, at: place.address)
        sender = found
        return found
    }

    private static let tooMany = GatewayError(
        .tooManyPending, "\(maximumPending) requests of this socket are unanswered already", retryAfter: 1)
}

// Who it is.
extension DuplexSocket {
    /// Goes on as someone.
    private func take(_ identity: Identity) {
        let former = self.identity
        self.identity = identity
        sender = nil
        watch?.stop()
        watch = IdentityWatch(of: identity, at: reception) { [unowned self] in
            socket?.close(code: .signedOut, reason: "signed out")
        }
        stays?.leave()
        stays = RoomStays(of: identity, at: reception) { [unowned self] room, people in
            send(RoomPresence.frame(people, in: room))
        }
        // Whoever was nobody can read no less now: what is still to come may come.
        if reader?.isCatchingUp == true && former.standing != .anonymous {
            closeUnlessHeldToRights()
        } else {
            holdToRights()
        }
        stays?.follow(reader?.interest?.topics)
    }

    /// What the socket follows, as far as it may; `nil` where that is nothing.
    private func readable(_ current: Interest) -> Interest? {
        context.rights.readable(current.topics, by: identity).map {
            Interest(topics: $0, filter: current.filter, scope: context.rights.scope(for: identity))
        }
    }

    /// Goes on following what the identity may read, and nothing else, unless the socket is still being filled.
    private func holdToRights() {
        guard let reader, !reader.isCatchingUp, let current = reader.interest else { return }
        let interest = readable(current)
        guard interest != current else { return }
        guard let interest else { return shard.unfollow(reader) }
        shard.refollow(reader, interest, adding: nil, from: Opening(cursor: shard.head))
    }

    /// Ends a socket that is being filled with what the identity may not read.
    private func closeUnlessHeldToRights() {
        guard let current = reader?.interest, readable(current) != current else { return }
        socket?.close(code: .signedOut, reason: "no right to what is being read")
    }

    private func authenticate(_ token: String, ref: String?) {
        let credentials = Credentials(token: token)
        do throws(GatewayError) {
            if let identity = try context.identities.known(credentials) { return authenticated(identity, ref: ref) }
        } catch {
            return authenticationFailed(error, ref: ref)
        }
        held = []
        let bound = NIOLoopBound(self, eventLoop: reception.loop)
        let identities = context.identities
        let loop = reception.loop
        Task {
            do throws(GatewayError) {
                let identity = try await identities.find(credentials)
                loop.execute { bound.value.proceed { $0.authenticated(identity, ref: ref) } }
            } catch {
                loop.execute { bound.value.proceed { $0.authenticationFailed(error, ref: ref) } }
            }
        }
    }

    /// Answers, and goes on with what came meanwhile, unless the socket is gone.
    private func proceed(_ answer: (DuplexSocket) -> Void) {
        guard let requests = held else { return }
        held = nil
        answer(self)
        for request in requests { carryOut(request) }
    }

    private func authenticated(_ identity: Identity, ref: String?) {
        take(identity)
        acknowledge(ref)
    }

    /// Whoever gives a wrong token is nobody from then on.
    private func authenticationFailed(_ error: GatewayError, ref: String?) {
        take(.anonymous)
        refuse(error, ref: ref)
    }
}

// Publishing.
extension DuplexSocket {
    private func publish(_ request: AlertRequest, ref: String?) {
        do throws(GatewayError) {
            try admit(request)
            let outcome = try context.publisher.publish(
                request, sender: findSender(), ref: ref, on: reception.lane, for: self)
            if let outcome {
                if ref != nil { send(outcome.acknowledgement(ref: ref)) }
            } else {
                unanswered += 1
            }
        } catch {
            refuse(error, ref: ref)
        }
    }

    private func admit(_ request: AlertRequest) throws(GatewayError) {
        try context.refuseWhenLeaving()
        try context.rights.checkPublishing(on: request.topic, by: identity)
        guard unanswered < Self.maximumPending else { throw Self.tooMany }
        guard context.configuration.hasRateLimits else { return }
        let rate = context.configuration.socketRate
        let wait = bucket.take(of: rate, now: .now())
        guard wait == 0 else {
            rateRefusals += 1
            if rateRefusals > Self.patience { socket?.close(code: .rateLimited, reason: "wait when you are told to") }
            throw GatewayError(
                .publishRate, "this socket may publish \(rate.perSecond) alerts a second", retryAfter: wait)
        }
        try context.addresses.admitAlerts(from: place.address)
        rateRefusals = 0
    }

    private func closeIfAnswered() {
        if unanswered == 0, let ending { close(ending) }
    }
}

extension DuplexSocket: PublishReceiver {
    func published(_ draft: Draft, tag: String?, _ outcome: PublishQueue.Outcome) {
        unanswered -= 1
        let answer: [UInt8]
        switch Publisher.outcome(draft, outcome) {
        case .success(let outcome):
            guard tag != nil else { return }
            answer = outcome.acknowledgement(ref: tag)
        case .failure(let error):
            context.metrics.refused(error.code)
            answer = error.frame(ref: tag)
        }
        var buffer = answers ?? ByteBuffer()
        answers = nil
        WebSocketFrameEncoder.appendText(answer, to: &buffer)
        answers = buffer
    }

    func publishedBatch() {
        if let answers { write(answers) }
        answers = nil
        closeIfAnswered()
    }
}

// Topics.
extension DuplexSocket {
    private func changeTopics(_ request: DuplexRequest) {
        guard let reader else { return }
        defer { stays?.follow(reader.interest?.topics) }
        switch request.operation {
        case .subscribe(let topics, let since, let filter):
            do throws(GatewayError) {
                try subscribe(reader, topics, since, filter, ref: request.ref)
            } catch {
                refuse(error, ref: request.ref)
            }
        case .unsubscribe(let topics): unsubscribe(reader, topics, ref: request.ref)
        case .publish, .authenticate, .ping: break
        }
    }

    private func subscribe(
        _ reader: Reader, _ topics: Interest.Topics, _ since: Since, _ filter: AlertFilter?, ref: String?
    ) throws(GatewayError) {
        try context.rights.checkReading(of: topics, by: identity)
        let current = reader.interest
        let filter = filter ?? current?.filter ?? AlertFilter()
        let union = (current?.topics).map { $0.union(topics) } ?? topics
        if case .some(let all) = union, all.count > context.configuration.maximumTopics {
            throw GatewayError(
                .tooManyTopics, "\(all.count) topics; a socket follows at most \(context.configuration.maximumTopics)")
        }
        let scope = context.rights.scope(for: identity)
        let interest = Interest(topics: union, filter: filter, scope: scope)
        guard let current else {
            let opening = shard.opening(for: interest, since: since)
            acknowledge(ref, topics: union, cursor: opening.reset?.since ?? opening.cursor)
            return shard.follow(reader, interest, from: opening)
        }
        let added = topics.subtracting(current.topics).map {
            Interest(topics: $0, filter: filter, scope: scope)
        }
        let opening = added.map { shard.opening(for: $0, since: since) } ?? Opening(cursor: shard.head)
        acknowledge(ref, topics: union, cursor: opening.reset?.since ?? opening.cursor)
        shard.refollow(reader, interest, adding: added, from: opening)
    }

    private func unsubscribe(_ reader: Reader, _ topics: Interest.Topics?, ref: String?) {
        guard let current = reader.interest else { return acknowledge(ref, topics: .some([])) }
        guard let topics, let left = current.topics.subtracting(topics) else {
            shard.unfollow(reader)
            return acknowledge(ref, topics: .some([]))
        }
        shard.refollow(
            reader, Interest(topics: left, filter: current.filter, scope: current.scope), adding: nil,
            from: Opening(cursor: shard.head))
        acknowledge(ref, topics: left)
    }
}

// Answers.
extension DuplexSocket {
    private func acknowledge(_ ref: String?, topics: Interest.Topics? = nil, cursor: Position? = nil) {
        guard let ref else { return }
        var json = JSONWriter(reservingCapacity: 96)
        json.beginObject()
        json.key("event")
        json.string("ack")
        json.key("ref")
        json.string(ref)
        if let topics {
            json.key("topics")
            json.beginArray()
            for name in topics.names { json.string(name) }
            json.endArray()
        }
        if let cursor {
            json.key("id")
            json.string(cursor.id)
        }
        json.endObject()
        send(json.bytes)
    }

    private func refuse(_ error: GatewayError, ref: String?) {
        context.metrics.refused(error.code)
        send(error.frame(ref: ref))
    }

    private func send(_ json: [UInt8]) {
        var buffer = ByteBuffer()
        WebSocketFrameEncoder.appendText(json, to: &buffer)
        write(buffer)
    }

    private func write(_ frames: ByteBuffer) {
        guard let reader else { return }
        // The hub has nothing more for a reader that it has ended.
        if ending == nil { shard.write(frames, to: reader) } else { socket?.writer.write(frames) }
    }
}

@available(*, unavailable)
extension DuplexSocket: Sendable {}
