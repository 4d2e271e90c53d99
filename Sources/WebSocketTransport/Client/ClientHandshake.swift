import NIOCore
import NIOHTTP1

/// The client's side of the opening handshake (RFC 6455 section 4.1), a value without I/O.
struct ClientHandshake: Sendable {
    enum Outcome {
        /// The server agreed. What follows in the buffer are frames.
        case accepted(subprotocol: String?, HTTPHeaders)
        case refused(WebSocketConnectError)
    }

    private static let maxHead = 16_384
    private static let maxBody = 65_536

    private let key = WebSocketKey.random()
    private let subprotocols: [String]
    private var received = ByteBuffer()
    private var refusal: (status: Int, headers: HTTPHeaders)?

    /// The request to send.
    let request: ByteBuffer

    init(host: String, port: Int, path: String, headers: HTTPHeaders, subprotocols: [String]) {
        self.subprotocols = subprotocols
        let name = host.contains(":") ? "[\(host)]" : host
        var text = "GET \(path) HTTP/1.1\r\n"
        if !headers.contains(name: "Host") { text += "Host: \(name):\(port)\r\n" }
        text +=
            "Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: \(key)\r\n"
        if !subprotocols.isEmpty { text += "Sec-WebSocket-Protocol: \(subprotocols.joined(separator: ", "))\r\n" }
        for (name, value) in headers { text += "\(name): \(value)\r\n" }
        text += "\r\n"
        request = ByteBuffer(string: text)
    }

    /// Takes bytes of the answer. On `.accepted`, what is left in `buffer` comes after the answer.
    mutating func consume(_ buffer: inout ByteBuffer) -> Outcome? {
        if let refusal {
            received.writeBuffer(&buffer)
            return bodyIsComplete(refusal.headers) ? refused() : nil
        }
        received.writeBuffer(&buffer)
        let view = received.readableBytesView
        guard let end = Self.endOfHead(view) else {
            return view.count > Self.maxHead ? failure("the answer's head is longer than \(Self.maxHead) bytes") : nil
        }
        let head = String(decoding: view[..<end], as: UTF8.self)
        received.moveReaderIndex(to: end)
        guard let (status, headers) = Self.parse(head) else { return failure("the answer is not HTTP/1.1") }
        if status == 101 {
            buffer = received
            received = ByteBuffer()
            return verify(headers)
        }
        refusal = (status, headers)
        return bodyIsComplete(headers) ? refused() : nil
    }

    /// The server ended the connection.
    func ended() -> WebSocketConnectError {
        guard let refusal else { return WebSocketConnectError(message: "the connection ended before an answer came") }
        return WebSocketConnectError(
            status: refusal.status, headers: refusal.headers, body: String(buffer: received),
            message: "the server answered with status \(refusal.status)")
    }

    /// RFC 6455 section 4.1, what a client checks.
    private func verify(_ headers: HTTPHeaders) -> Outcome {
        guard WebSocketHandshake.hasToken("websocket", in: headers["Upgrade"]),
            WebSocketHandshake.hasToken("upgrade", in: headers["Connection"])
        else { return failure("status 101 without an upgrade to websocket", status: 101, headers: headers) }
        guard headers["Sec-WebSocket-Accept"] == [WebSocketKey.answer(to: key)] else {
            return failure("Sec-WebSocket-Accept does not fit the key", status: 101, headers: headers)
        }
        guard headers["Sec-WebSocket-Extensions"].isEmpty else {
            return failure("the server chose an extension that was not offered", status: 101, headers: headers)
        }
        let chosen = headers["Sec-WebSocket-Protocol"]
        guard chosen.count <= 1, chosen.allSatisfy({ subprotocols.contains($0) }) else {
            return failure("the server chose a subprotocol that was not offered", status: 101, headers: headers)
        }
        return .accepted(subprotocol: chosen.first, headers)
    }

    private func bodyIsComplete(_ headers: HTTPHeaders) -> Bool {
        let count = received.readableBytes
        if count >= Self.maxBody { return true }
        if let length = headers["Content-Length"].first.flatMap({ Int($0) }) { return count >= length }
        if WebSocketHandshake.hasToken("chunked", in: headers["Transfer-Encoding"]) {
            return received.readableBytesView.suffix(5).elementsEqual("0\r\n\r\n".utf8)
        }
        return false
    }

    private func refused() -> Outcome { .refused(ended()) }

    private func failure(_ message: String, status: Int? = nil, headers: HTTPHeaders = [:]) -> Outcome {
        .refused(WebSocketConnectError(status: status, headers: headers, message: message))
    }

    /// The index after the empty line.
    private static func endOfHead(_ view: ByteBufferView) -> Int? {
        var matched = 0
        let pattern: [UInt8] = [13, 10, 13, 10]
        for index in view.indices.prefix(maxHead) {
            let byte = view[index]
            if byte == pattern[matched] {
                matched += 1
                if matched == 4 { return index + 1 }
            } else {
                matched = byte == 13 ? 1 : 0
            }
        }
        return nil
    }

    private static func parse(_ head: String) -> (status: Int, headers: HTTPHeaders)? {
        // Swift takes CR LF as one character.
        let lines = head.split(separator: "\r\n")
        guard let first = lines.first, first.hasPrefix("HTTP/1.1 "),
            let status = Int(first.dropFirst(9).prefix(3)), (100...599).contains(status)
        else { return nil }
        var headers = HTTPHeaders()
        for line in lines.dropFirst() {
            guard let colon = line.firstIndex(of: ":") else { return nil }
            headers.add(
                name: String(line[..<colon]),
                value: WebSocketHandshake.trimmed(String(line[line.index(after: colon)...])))
        }
        return (status, headers)
    }
}
