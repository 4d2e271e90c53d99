import Broadcasting
import NIOCore

/// The response head of a reader's HTTP stream.
enum StreamResponse {
    /// - Parameters:
    ///   - origin: the request's `Origin`, already checked.
    ///   - policy: decides whether the page needs to be told that it may read the stream.
    static func head(
        form: WireForm, origin: String?, policy: OriginPolicy, cookieChange: CookieChange?
    ) -> ByteBuffer {
        let type =
            switch form {
            case .eventStream: "text/event-stream; charset=utf-8"
            case .rawLines: "text/plain; charset=utf-8"
            default: "application/x-ndjson; charset=utf-8"
            }
        // no-transform and X-Accel-Buffering keep proxies from holding events back in order to compress or join them.
        var text = """
            HTTP/1.1 200 OK\r
            Content-Type: \(type)\r
            Cache-Control: no-store, no-transform\r
            X-Accel-Buffering: no\r
            X-Content-Type-Options: nosniff\r
            Connection: close\r

            """
        if let origin, policy != .sameOrigin {
            text += "Access-Control-Allow-Origin: \(CORS.singleLine(origin))\r\nVary: Origin\r\n"
        }
        if let cookieChange { text += "\(CookieChange.headerName): \(cookieChange.headerValue)\r\n" }
        return ByteBuffer(string: text + "\r\n")
    }
}
