/// Why a request could not become a WebSocket, as the HTTP answer that says so (RFC 6455 section 4.2.1 and 4.4).
public struct WebSocketHandshakeError: Error, Sendable, Equatable {
    /// One header of the answer.
    public struct Header: Sendable, Equatable {
        public let name: String
        public let value: String

        public init(name: String, value: String) {
            self.name = name
            self.value = value
        }
    }

    /// 400, 405 or 426.
    public let status: Int
    /// What was wrong.
    public let message: String
    /// What the answer has to carry besides, such as `Sec-WebSocket-Version: 13`.
    public let headers: [Header]

    public init(status: Int, message: String, headers: [Header] = []) {
        self.status = status
        self.message = message
        self.headers = headers
    }
}
