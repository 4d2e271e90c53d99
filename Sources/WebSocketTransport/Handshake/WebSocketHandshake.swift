public import NIOCore
public import NIOHTTP1

/// The server's side of the opening handshake (RFC 6455 section 4.2), without I/O.
public struct WebSocketHandshake: Sendable {
    /// The subprotocol agreed on, `nil` if none was.
    public let subprotocol: String?
    /// How messages may be compressed, `nil` if they may not.
    public let compression: PerMessageDeflate?
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
    ///   - compression: whether to agree to permessage-deflate where the client offers it (RFC 7692). Offers that do not fit are declined:
    ///     the socket is opened without. If `false`, the client's extensions are not looked at.
    /// - Throws: the HTTP answer to give instead.
    public static func accept(
        _ head: HTTPRequestHead, subprotocols: [String] = [], compression: Bool = false
    ) throws(WebSocketHandshakeError) -> WebSocketHandshake {
        guard head.method == .GET else {
            throw WebSocketHandshakeError(
                status: 405, message: "a WebSocket is opened with GET", headers: [.init(name: "Allow", value: "GET")])
        }
        guard (head.version.major, head.version.minor) >= (1, 1) else { throw bad("a WebSocket needs HTTP/1.1") }
        let fields = HandshakeFields(head.headers, subprotocols: subprotocols, compression: compression)
        guard fields.hosts == 1 else { throw bad("exactly one Host header is needed") }
        guard fields.upgradesToWebSocket else {
            throw WebSocketHandshakeError(
                status: 426, message: "Upgrade: websocket is needed",
                headers: [.init(name: "Upgrade", value: "websocket"), .init(name: "Connection", value: "Upgrade")])
        }
        guard fields.connectionUpgrades else { throw bad("Connection: Upgrade is needed") }
        guard fields.versions == 1, fields.isVersion13 else {
            throw WebSocketHandshakeError(
                status: 426, message: "Sec-WebSocket-Version: 13 is needed",
                headers: [
                    .init(name: "Sec-WebSocket-Version", value: "13"), .init(name: "Upgrade", value: "websocket"),
                    .init(name: "Connection", value: "Upgrade"),
                ])
        }
        guard fields.keys == 1, let answer = answer(to: fields.key) else {
            throw bad("exactly one Sec-WebSocket-Key is needed, the base64 of 16 bytes")
        }
        guard fields.areSubprotocolsTokens else { throw bad("Sec-WebSocket-Protocol is not a list of tokens") }
        guard fields.negotiation?.isMalformed != true else {
            throw bad("Sec-WebSocket-Extensions is not a list of extensions")
        }
        return WebSocketHandshake(
            subprotocol: fields.preferred.map { subprotocols[$0] }, compression: fields.negotiation?.agreement,
            answer: answer)
    }

    /// The whole response, status 101, as the bytes to send before the first frame.
    ///
    /// - Parameter extraHeaders: added to it. Control characters in values become spaces, so that no value can end its line.
    public func response(extraHeaders: [(String, String)] = []) -> ByteBuffer {
        var buffer = ByteBufferAllocator().buffer(capacity: 256)
        buffer.writeStaticString(
            "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: ")
        buffer.writeString(answer)
        buffer.writeStaticString("\r\n")
        if let subprotocol { Self.write("Sec-WebSocket-Protocol", subprotocol, to: &buffer) }
        if let compression { Self.write("Sec-WebSocket-Extensions", compression.agreement, to: &buffer) }
        for (name, value) in extraHeaders { Self.write(name, Self.singleLine(value), to: &buffer) }
        buffer.writeStaticString("\r\n")
        return buffer
    }

    private static func write(_ name: String, _ value: String, to buffer: inout ByteBuffer) {
        buffer.writeString(name)
        buffer.writeStaticString(": ")
        buffer.writeString(value)
        buffer.writeStaticString("\r\n")
    }

    private static func bad(_ message: String) -> WebSocketHandshakeError {
        WebSocketHandshakeError(status: 400, message: message)
    }

    /// `nil` where the key is none.
    private static func answer(to key: String) -> String? {
        HandshakeFields.withBytes(of: key) { bytes in
            let key = HeaderWords.trimmed(bytes)
            return WebSocketKey.isValid(key) ? WebSocketKey.answer(to: key) : nil
        }
    }

    /// Whether a comma-separated list has the token, given in lower case, whatever the case there (RFC 9110 section 5.6.1).
    static func hasToken(_ token: StaticString, in values: [String]) -> Bool {
        values.contains { HandshakeFields.hasToken(token, in: $0) }
    }

    static func trimmed(_ text: String) -> String {
        HandshakeFields.withBytes(of: text) { String(decoding: HeaderWords.trimmed($0), as: UTF8.self) }
    }

    private static func singleLine(_ value: String) -> String {
        String(String.UnicodeScalarView(value.unicodeScalars.map { $0.value < 0x20 || $0.value == 0x7F ? " " : $0 }))
    }
}
