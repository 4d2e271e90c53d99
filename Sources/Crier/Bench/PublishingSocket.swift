import NIOCore
import Reactor
import WebSocketTransport

/// A connection that publishes in a load run. Isolation: its loop.
final class PublishingSocket: SocketHandler {
    private let server: ServerURL
    private let failure: FirstFailure
    private let socket: StreamSocket
    private let opened: () -> Void
    private var isOpen = false
    private var cut = CutBytes()

    init(to server: ServerURL, _ failure: FirstFailure, on socket: StreamSocket, opened: @escaping () -> Void) {
        self.server = server
        self.failure = failure
        self.socket = socket
        self.opened = opened
    }

    func write(_ frames: ByteBuffer) { socket.write(frames) }

    func received(_ bytes: inout ByteBuffer) { cut.feed(&bytes) { read($0, hasEnded: false) } }

    func inputEnded() {
        if !isOpen {
            var none = ByteBuffer()
            cut.feed(&none) { read($0, hasEnded: true) }
        }
        socket.close()
    }

    func drained() {}

    func closed(_ error: SocketError?) {
        failure.set("\(server) closed the socket that publishes" + (error.map { " (\($0))" } ?? ""))
    }

    private func read(_ bytes: UnsafeRawBufferPointer, hasEnded: Bool) -> Int {
        var place = 0
        if !isOpen {
            switch HandshakeAnswer.read(bytes, to: .ws, hasEnded: hasEnded) {
            case nil: return 0
            case .accepted(let length):
                place = length
                isOpen = true
                opened()
            case .refused(let refusal): failure.set(LoadServer.explanation(of: refusal, "a socket", server))
            case .notHTTP: failure.set("\(server) did not answer as a Crier server does")
            }
            guard isOpen else {
                socket.close()
                return bytes.count
            }
        }
        while let piece = StreamPiece.frame(in: bytes, at: place) {
            place = piece.end
            take(piece, piece.payload(of: bytes))
        }
        return place
    }

    private func take(_ piece: StreamPiece, _ payload: UnsafeRawBufferPointer) {
        switch piece.kind {
        case .text where payload.starts(with: Self.error):
            let refusal = ServerRefusal(status: 0, body: Array(payload))
            failure.set(
                LoadServer.explanation(
                    of: ServerRefusal(status: (refusal.code ?? 0) / 100, body: Array(payload)), "an alert", server))
        case .ping:
            socket.write(
                WebSocketFrameEncoder.pong(payload: ByteBuffer(bytes: payload), masked: .random(in: .min ... .max)))
        case .close, .malformed: socket.close()
        case .text, .other: break
        }
    }

    private static let error = Array(#"{"event":"error""#.utf8)
}

@available(*, unavailable)
extension PublishingSocket: Sendable {}
