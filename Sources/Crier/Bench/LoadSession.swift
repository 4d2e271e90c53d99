import NIOCore
import WebSocketTransport

/// One socket of a load run: counts alerts, checks their numbers, and measures how long they took. Bound to its event loop.
final class LoadSession: WebSocketSession {
    private let tally: LoadTally
    private let isSubscriber: Bool
    private let topic: String
    private var socket: WebSocket?
    private var expected = 0

    /// - Parameter isSubscriber: `false` for the socket that publishes.
    init(_ tally: LoadTally, topic: String, isSubscriber: Bool) {
        self.tally = tally
        self.topic = topic
        self.isSubscriber = isSubscriber
    }

    func opened(by socket: WebSocket) {
        self.socket = socket
        if isSubscriber { socket.send(text: #"{"op":"subscribe","topics":["\#(topic)"],"ref":"s"}"#) }
    }

    /// Publishes the alert of a number; its text carries the number and when it was due.
    func publish(_ number: Int, due: NIODeadline, payload: Int) {
        let stamp = "\(number):\(due.uptimeNanoseconds):"
        let padding = String(repeating: "x", count: max(0, payload - stamp.utf8.count))
        socket?.send(text: #"{"op":"publish","topic":"\#(topic)","message":"\#(stamp)\#(padding)"}"#)
    }

    func received(text: ByteBuffer) {
        let view = text.readableBytesView
        guard isSubscriber else {
            if view.starts(with: Self.error) { tally.refused(String(buffer: text)) }
            return
        }
        guard let (number, due) = Self.stamp(view) else {
            if view.starts(with: Self.acknowledgement) { tally.subscribed() }
            return
        }
        tally.delivered(number, expected: expected, latency: .now() - NIODeadline.uptimeNanoseconds(due))
        expected = number + 1
    }

    func received(binary: ByteBuffer) {}

    func heard() {}

    func closed(code: WebSocketCloseCode?, reason: String) {
        tally.closed("\(code.map { String($0.rawValue) } ?? "no code") \(reason)")
    }

    private static let error = Array(#"{"event":"error""#.utf8)
    private static let acknowledgement = Array(#"{"event":"ack""#.utf8)
    private static let message = Array(#""message":""#.utf8)

    /// The number and due time in an alert's text. The event's name comes before the text and is not followed by a digit.
    private static func stamp(_ json: ByteBufferView) -> (Int, UInt64)? {
        guard json.first == UInt8(ascii: "{"), json.dropFirst().starts(with: id) else { return nil }
        var index = json.startIndex
        while let quote = json[index...].firstIndex(of: UInt8(ascii: "m")) {
            if json[json.index(before: quote)...].starts(with: message) {
                return numbers(json[(quote + message.count - 1)...])
            }
            index = json.index(after: quote)
        }
        return nil
    }

    private static let id = Array(#""id""#.utf8)

    private static func numbers(_ text: ByteBufferView) -> (Int, UInt64)? {
        var parts: [UInt64] = [0]
        for byte in text {
            switch byte {
            case UInt8(ascii: "0")...UInt8(ascii: "9"):
                parts[parts.count - 1] = parts[parts.count - 1] &* 10 &+ UInt64(byte - UInt8(ascii: "0"))
            case UInt8(ascii: ":") where parts.count == 1: parts.append(0)
            case UInt8(ascii: ":"): return (Int(clamping: parts[0]), parts[1])
            default: return nil
            }
        }
        return nil
    }
}
