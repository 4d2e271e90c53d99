import MessageBus
import StrictJSON

/// A refusal: what a peer is told, in ntfy's JSON shape, over HTTP or as an `error` frame.
public struct GatewayError: Error, Sendable, Equatable {
    public let code: ErrorCode
    /// What exactly was wrong, in a sentence fit for the person who made the request.
    public let message: String
    /// When trying again is worth it, in seconds.
    public let retryAfter: Int?
    /// What the HTTP answer has to carry besides, such as `Allow`.
    public let headers: [Header]

    public struct Header: Sendable, Equatable {
        public let name: String
        public let value: String
    }

    init(_ code: ErrorCode, _ message: String, retryAfter: Int? = nil, headers: [Header] = []) {
        self.code = code
        self.message = message
        self.retryAfter = retryAfter
        let isChallenged = headers.contains { $0.name == Self.challenge.name }
        self.headers = code.status == 401 && !isChallenged ? headers + [Self.challenge] : headers
    }

    /// What every 401 has to say of how to do better (RFC 9110 section 11.6.1).
    private static let challenge = Header(name: "WWW-Authenticate", value: "Bearer")

    /// The JSON body of the HTTP answer.
    public var body: [UInt8] {
        var json = JSONWriter(reservingCapacity: 160)
        json.beginObject()
        writeMembers(to: &json)
        json.endObject()
        return json.bytes
    }

    /// The headers of the HTTP answer, which is the connection's last.
    var responseHeaders: [(String, String)] {
        var headers = [
            ("Content-Type", "application/json"), ("Content-Length", String(body.count)), ("Connection", "close"),
            ("Cache-Control", "no-store"), ("X-Content-Type-Options", "nosniff"),
        ]
        if let retryAfter { headers.append(("Retry-After", String(retryAfter))) }
        for header in self.headers {
            headers.removeAll { $0.0.lowercased() == header.name.lowercased() }
            headers.append((header.name, header.value))
        }
        return headers
    }

    /// The `error` frame of the duplex protocol, answering the request that carried `ref`.
    func frame(ref: String?) -> [UInt8] {
        var json = JSONWriter(reservingCapacity: 200)
        json.beginObject()
        json.key("event")
        json.string("error")
        if let ref {
            json.key("ref")
            json.string(ref)
        }
        writeMembers(to: &json)
        if let retryAfter {
            json.key("retry_after")
            json.int(retryAfter)
        }
        json.endObject()
        return json.bytes
    }

    private func writeMembers(to json: inout JSONWriter) {
        json.key("code")
        json.int(code.number)
        json.key("http")
        json.int(code.status)
        json.key("error")
        json.string(message)
        json.key("link")
        json.string("/errors#\(code.number)")
    }
}

extension GatewayError {
    /// What the bus says of itself may name its address or its user: that is for the log, and a peer is told only that it cannot be reached.
    init(_ error: BusError) {
        let retryAfter = error.retryAfter ?? 1
        switch error.code {
        case .queueFull: self.init(.publishQueueFull, error.message, retryAfter: retryAfter)
        case .closed: self.init(.draining, error.message, retryAfter: retryAfter)
        default: self.init(.busUnavailable, "the bus cannot be reached now", retryAfter: retryAfter)
        }
    }

    init(_ error: JSONError) { self.init(.invalidJSON, error.message) }
}
