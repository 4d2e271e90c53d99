public import NIOHTTP1

/// Why ``connectWebSocket(host:port:path:headers:subprotocols:limits:from:timeout:on:makeSession:)`` returned no connection.
public struct WebSocketConnectError: Error, Sendable, Equatable {
    /// The HTTP status of the server's refusal; `nil` if there was no valid answer.
    public let status: Int?
    /// The headers of the answer.
    public let headers: HTTPHeaders
    /// The body of the refusal as it came, without the coding of `Transfer-Encoding: chunked` undone; 64 KiB at most.
    public let body: String
    /// What happened.
    public let message: String

    public init(status: Int? = nil, headers: HTTPHeaders = [:], body: String = "", message: String) {
        self.status = status
        self.headers = headers
        self.body = body
        self.message = message
    }
}
