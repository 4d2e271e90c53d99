import NIOCore
import Reactor
import WebSocketTransport

#if canImport(Musl)
    import Musl
#else
    import Glibc
#endif

/// Publishes the alerts of a load run, by one socket to each server. Isolation: its loop.
final class LoadPublisher {
    private static let patience = TimeAmount.seconds(10)

    private let plan: LoadPlan
    private let run: LoadRunName
    private let ledger: Ledger
    private let failure: FirstFailure
    private let loop: ReactorLoop
    private let lanes: AlertLanes
    private var sockets: [PublishingSocket?] = []
    private var pace: PublishPace?
    /// What a frame carries, with room for the marker.
    private var payload: ByteBuffer
    private let markerPlace: Int
    private(set) var opened = 0

    init(
        _ plan: LoadPlan, _ run: LoadRunName, _ ledger: Ledger, _ failure: FirstFailure, on loop: ReactorLoop
    ) {
        self.plan = plan
        self.run = run
        self.ledger = ledger
        self.failure = failure
        self.loop = loop
        lanes = AlertLanes(count: plan.servers.count)
        payload = ByteBuffer(string: #"{"op":"publish","topic":"\#(plan.topic)","message":""#)
        markerPlace = payload.writerIndex
        payload.writeRepeatingByte(UInt8(ascii: "x"), count: plan.payload)
        payload.writeString("\"}")
    }

    /// Opens the sockets; ``opened`` counts those that are.
    func open(to servers: [LoadServer]) {
        sockets = Array(repeating: nil, count: servers.count)
        for (index, server) in servers.enumerated() {
            guard let address = server.address else { continue }
            SocketConnector.connect(to: address, within: Self.patience, on: loop) { [self] result in
                switch result {
                case .success(let descriptor): adopt(descriptor, server, index)
                case .failure(let error): failure.set(LoadServer.explanation(of: error, server.url))
                }
            }
        }
    }

    private func adopt(_ descriptor: CInt, _ server: LoadServer, _ index: Int) {
        do throws(SocketError) {
            let socket = try StreamSocket(adopting: descriptor, on: loop)
            let publishing = PublishingSocket(to: server.url, failure, on: socket) { [self] in opened += 1 }
            socket.handler = publishing
            sockets[index] = publishing
            socket.write(server.request("/ws", form: .ws))
        } catch {
            _ = close(descriptor)
            failure.set(LoadServer.explanation(of: error, server.url))
        }
    }

    func start() {
        pace =
            if let rate = plan.rate {
                .open(rate: rate, start: .now(), already: 0)
            } else {
                .closed(inFlight: plan.inFlight, firstOfLast: 0)
            }
        step()
        if plan.rate != nil { keepTime() }
    }

    func stop() { pace = nil }

    /// Publishes what is to be published now.
    func step() {
        guard let due = pace?.due(ledger.standing, now: .now()), !due.isEmpty else { return }
        let standing = ledger.standing
        guard standing.published - standing.finished + UInt32(due.count) <= Ledger.mostOnTheirWay else {
            stop()
            return failure.set(
                "the server does not keep up: \(standing.published - standing.finished) alerts are on their way. "
                    + "Lower --rate or --sockets")
        }
        var frames = [ByteBuffer](repeating: ByteBuffer(), count: sockets.count)
        for time in due {
            let number = ledger.publish(due: time)
            payload.setBytes(AlertMarker(run: run, number: number).bytes, at: markerPlace)
            WebSocketFrameEncoder.append(
                opcode: .text, payload: payload, masked: .random(in: .min ... .max),
                to: &frames[lanes.place(of: number).lane])
        }
        for (socket, frames) in zip(sockets, frames) where frames.readableBytes > 0 { socket?.write(frames) }
    }

    /// Steps whenever an alert is due.
    private func keepTime() {
        guard let next = pace?.next else { return }
        let bound = NIOLoopBound(self, eventLoop: loop)
        loop.scheduleTask(deadline: next) {
            bound.value.step()
            bound.value.keepTime()
        }
    }
}

@available(*, unavailable)
extension LoadPublisher: Sendable {}
