import NIOCore
import WebSocketTransport

/// The socket that publishes in a load run. Bound to its event loop.
final class LoadPublisher: WebSocketSession {
    private let tally: LoadTally
    private let topic: String
    private var socket: WebSocket?

    init(_ tally: LoadTally, topic: String) {
        self.tally = tally
        self.topic = topic
    }

    func opened(by socket: WebSocket) { self.socket = socket }

    /// Publishes an alert whose text says when it was due and has `payload` bytes.
    func publish(due: NIODeadline, payload: Int) {
        let stamp = "@\(due.uptimeNanoseconds):"
        let padding = String(repeating: "x", count: max(0, payload - stamp.utf8.count))
        socket?.send(text: #"{"op":"publish","topic":"\#(topic)","message":"\#(stamp)\#(padding)"}"#)
    }

    func received(text: ByteBuffer) {
        if text.readableBytesView.starts(with: Self.error) { tally.refused(String(buffer: text)) }
    }

    func received(binary: ByteBuffer) {}

    func heard() {}

    func closed(code: WebSocketCloseCode?, reason: String) {
        tally.closed("the publisher: \(code.map { String($0.rawValue) } ?? "no code") \(reason)")
    }

    private static let error = Array(#"{"event":"error""#.utf8)
}
