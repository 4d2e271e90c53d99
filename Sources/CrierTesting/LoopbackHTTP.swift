/// HTTP requests to 127.0.0.1.
public enum LoopbackHTTP {
    /// Asks on a connection of its own.
    ///
    /// - Throws: where no whole answer comes within the bound.
    public static func request(
        _ method: String = "GET", _ target: String, port: Int, headers: [(String, String)] = [], body: String = "",
        within bound: Duration = .seconds(10)
    ) async throws -> HTTPReply {
        let connection = try await RawConnection.connect(port: port)
        return try await perform {
            try await exchange(
                method, target, port: port, headers: headers, body: body, on: connection, within: bound)
        } finally: {
            try await connection.close()
        }
    }

    /// Asks on a connection that is kept.
    public static func exchange(
        _ method: String, _ target: String, port: Int, headers: [(String, String)] = [], body: String = "",
        on connection: RawConnection, within bound: Duration
    ) async throws -> HTTPReply {
        let fields = headers.map { "\($0.0): \($0.1)\r\n" }.joined()
        let length = body.isEmpty ? "" : "Content-Length: \(body.utf8.count)\r\n"
        try await connection.send(
            "\(method) \(target) HTTP/1.1\r\nHost: 127.0.0.1:\(port)\r\n\(fields)\(length)\r\n\(body)")
        let bytes = try await connection.read(within: bound) { bytes in
            var bytes = bytes[...]
            return HTTPReply(reading: &bytes) != nil
        }
        var rest = bytes[...]
        guard let reply = HTTPReply(reading: &rest) else { throw HTTPReply.Malformed(bytes: bytes) }
        return reply
    }
}
