import NIOCore
import Reactor
import WebSocketTransport

/// One reading connection of a load run. Isolation: its loop.
final class LoadReader: SocketHandler {
    private enum Phase {
        /// The request is sent.
        case answering
        /// The stream's `open` event is due.
        case opening
        case reading
        case gone
    }

    private let group: ReaderGroup
    private let server: ServerURL
    private let socket: StreamSocket
    private var phase = Phase.answering
    private var cut = CutBytes()
    private var checks = LaneChecks()

    init(_ group: ReaderGroup, of server: ServerURL, on socket: StreamSocket) {
        self.group = group
        self.server = server
        self.socket = socket
    }

    func received(_ bytes: inout ByteBuffer) {
        let now = NIODeadline.now()
        feed(&bytes) { read($0, now, hasEnded: false) }
    }

    func inputEnded() {
        if phase == .answering {
            var none = ByteBuffer()
            feed(&none) { read($0, .now(), hasEnded: true) }
        }
        socket.close()
    }

    private func feed(_ bytes: inout ByteBuffer, _ take: (UnsafeRawBufferPointer) -> Int) {
        // Outside of the object while bytes are read: else every other access would be checked against this one.
        var cut = CutBytes()
        swap(&cut, &self.cut)
        cut.feed(&bytes, take)
        self.cut = cut
    }

    func drained() {}

    func closed(_ error: SocketError?) { leave(error.map { "\($0)" } ?? "the server ended the connection") }

    /// - Returns: how many of the bytes it has taken.
    private func read(_ bytes: UnsafeRawBufferPointer, _ now: NIODeadline, hasEnded: Bool) -> Int {
        var place = 0
        if phase == .answering {
            switch HandshakeAnswer.read(bytes, to: group.form, hasEnded: hasEnded) {
            case nil: return 0
            case .accepted(let length):
                phase = .opening
                place = length
            case .refused(let refusal): return giveUp(LoadServer.explanation(of: refusal, "a socket", server), bytes)
            case .notHTTP: return giveUp("\(server) did not answer as a Crier server does", bytes)
            }
        }
        return readPieces(of: bytes, from: place, now)
    }

    private func readPieces(of bytes: UnsafeRawBufferPointer, from start: Int, _ now: NIODeadline) -> Int {
        var place = start
        while phase != .gone, let piece = group.takeAlerts(of: bytes, from: &place, for: &checks, at: now) {
            switch piece.kind {
            case .text: takeEvent(piece.payload(of: bytes))
            case .ping: answer(piece.payload(of: bytes))
            case .close: end("the server closed it with \(Self.closeCode(piece.payload(of: bytes)))")
            case .malformed: end("a frame or an event is too long, or a frame is masked")
            case .other: break
            }
        }
        return place
    }

    private func answer(_ ping: UnsafeRawBufferPointer) {
        socket.write(
            WebSocketFrameEncoder.pong(payload: ByteBuffer(bytes: ping), masked: .random(in: .min ... .max)))
    }

    /// Anything but an alert of this run.
    private func takeEvent(_ text: UnsafeRawBufferPointer) {
        guard phase == .opening, text.place(of: Self.open) != nil else { return }
        phase = .reading
        group.becameReady()
    }

    private func giveUp(_ reason: String, _ bytes: UnsafeRawBufferPointer) -> Int {
        group.fail(reason)
        phase = .gone
        socket.close()
        return bytes.count
    }

    private func end(_ reason: String) {
        leave(reason)
        socket.close()
    }

    private func leave(_ reason: String) {
        switch phase {
        case .answering, .opening: group.fail("\(server) closed a socket that was being opened: \(reason)")
        case .reading: group.left(checks, reason)
        case .gone: break
        }
        phase = .gone
    }

    private static let open: StaticString = #""event":"open""#

    private static func closeCode(_ payload: UnsafeRawBufferPointer) -> String {
        payload.count < 2 ? "no code" : "\(Int(payload[0]) << 8 | Int(payload[1]))"
    }
}

@available(*, unavailable)
extension LoadReader: Sendable {}
