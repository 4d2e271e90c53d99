public import NIOCore
public import NIOHTTP1

/// The server's side of the opening handshake (RFC 6455 section 4.2), without I/O.
public struct WebSocketHandshake: Sendable {
    /// The subprotocol agreed on, `nil` if none was.
    public let subprotocol: String?
    private let answer: String

    /// Whether the request is a `GET` that asks for `Upgrade: websocket`, whatever else may be wrong with it.
    public static func isUpgrade(_ head: HTTPRequestHead) -> Bool {
        head.method == .GET && hasToken("websocket", in: head.headers["Upgrade"])
    }

    /// Checks the request.
    ///
    /// - Parameters:
    ///   - head: the request; a body has no place in it.
    ///   - subprotocols: what the server speaks, the most preferred first. If the client names none of these, the socket has none.
    /// - Throws: the HTTP answer to give instead.
    public static func accept(
        _ head: HTTPRequestHead, subprotocols: [String] = []
    ) throws(WebSocketHandshakeError) -> WebSocketHandshake {
        let headers = head.headers
        guard head.method == .GET else {
            throw WebSocketHandshakeError(
                status: 405, message: "a WebSocket is opened with GET", headers: [.init(name: "Allow", value: "GET")])
        }
        guard (head.version.major, head.version.minor) >= (1, 1) else { throw bad("a WebSocket needs HTTP/1.1") }
        guard headers["Host"].count == 1 else { throw bad("exactly one Host header is needed") }
        guard hasToken("websocket", in: headers["Upgrade"]) else {
            throw WebSocketHandshakeError(
                status: 426, message: "Upgrade: websocket is needed",
                headers: [.init(name: "Upgrade", value: "websocket"), .init(name: "Connection", value: "Upgrade")])
        }
        guard hasToken("upgrade", in: headers["Connection"]) else { throw bad("Connection: Upgrade is needed") }
        guard headers["Sec-WebSocket-Version"].map(trimmed) == ["13"] else {
            throw WebSocketHandshakeError(
                status: 426, message: "Sec-WebSocket-Version: 13 is needed",
                headers: [
                    .init(name: "Sec-WebSocket-Version", value: "13"), .init(name: "Upgrade", value: "websocket"),
                    .init(name: "Connection", value: "Upgrade"),
                ])
        }
        let keys = headers["Sec-WebSocket-Key"].map(trimmed)
        guard keys.count == 1, let key = keys.first, WebSocketKey.isValid(key) else {
            throw bad("exactly one Sec-WebSocket-Key is needed, the base64 of 16 bytes")
        }
        let offered = headers["Sec-WebSocket-Protocol"].flatMap { $0.split(separator: ",").map { trimmed(String($0)) } }
        guard offered.allSatisfy(isToken) else { throw bad("Sec-WebSocket-Protocol is not a list of tokens") }
        return WebSocketHandshake(
            subprotocol: subprotocols.first { offered.contains($0) }, answer: WebSocketKey.answer(to: key))
    }

    /// The whole response, status 101, as the bytes to send before the first frame.
    ///
    /// - Parameter extraHeaders: added to it. Control characters in values become spaces, so that no value can end its line.
    public func response(extraHeaders: [(String, String)] = []) -> ByteBuffer {
        var text =
            "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: "
        text += answer
        text += "\r\n"
        if let subprotocol { text += "Sec-WebSocket-Protocol: \(subprotocol)\r\n" }
        for (name, value) in extraHeaders {
            text += "\(name): \(Self.singleLine(value))\r\n"
        }
        text += "\r\n"
        return ByteBuffer(string: text)
    }

    private static func bad(_ message: String) -> WebSocketHandshakeError {
        WebSocketHandshakeError(status: 400, message: message)
    }

    /// Whether a comma-separated list has the token, whatever the case (RFC 9110 section 5.6.1).
    static func hasToken(_ token: String, in values: [String]) -> Bool {
        values.contains { value in
            value.split(separator: ",").contains { trimmed(String($0)).lowercased() == token }
        }
    }

    static func trimmed(_ text: String) -> String {
        let isBlank: (Character) -> Bool = { $0 == " " || $0 == "\t" }
        guard let first = text.firstIndex(where: { !isBlank($0) }), let last = text.lastIndex(where: { !isBlank($0) })
        else { return "" }
        return String(text[first...last])
    }

    /// RFC 9110 section 5.6.2.
    static func isToken(_ text: String) -> Bool {
        !text.isEmpty
            && text.utf8.allSatisfy { byte in
                switch byte {
                case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                    UInt8(ascii: "a")...UInt8(ascii: "z"):
                    true
                default: "!#$%&'*+-.^_`|~".utf8.contains(byte)
                }
            }
    }

    private static func singleLine(_ value: String) -> String {
        String(String.UnicodeScalarView(value.unicodeScalars.map { $0.value < 0x20 || $0.value == 0x7F ? " " : $0 }))
    }
}
