public import StrictJSON

/// A reader of a streamed HTTP response for tests: Server-Sent Events, JSON lines or plain lines.
public actor TestStream {
    /// The server answered with something else than a stream.
    public struct Refused: Error {
        public let reply: HTTPReply
    }

    /// The stream ended where more was awaited.
    public struct Ended: Error {}

    /// One event of an event stream (WHATWG HTML, section 9.2).
    public struct Event: Sendable, Equatable {
        public var name: String?
        public var id: String?
        public var retry: String?
        public var data = ""
    }

    /// The response's head, as it came.
    public nonisolated let head: String
    public nonisolated let connection: RawConnection
    private var bytes: ArraySlice<UInt8>
    private var hasEnded = false

    private init(head: String, connection: RawConnection, bytes: ArraySlice<UInt8>) {
        self.head = head
        self.connection = connection
        self.bytes = bytes
    }

    /// Connects and asks for the stream.
    ///
    /// - Parameter on: a connection to use instead of a new one.
    /// - Throws: ``Refused`` if the status is not 200.
    public static func open(
        port: Int, _ target: String, headers: [(String, String)] = [], receiveBuffer: Int? = nil,
        on given: RawConnection? = nil
    ) async throws -> TestStream {
        let connection: RawConnection
        if let given {
            connection = given
        } else {
            connection = try await .connect(port: port, receiveBuffer: receiveBuffer)
        }
        let fields = headers.map { "\($0.0): \($0.1)\r\n" }.joined()
        try await connection.send("GET \(target) HTTP/1.1\r\nHost: 127.0.0.1:\(port)\r\n\(fields)\r\n")
        let blank = Array("\r\n\r\n".utf8)
        var bytes = try await connection.read { $0.firstRange(of: blank) != nil }[...]
        guard let end = bytes.firstRange(of: blank) else { throw Ended() }
        let head = String(decoding: bytes[..<end.lowerBound], as: UTF8.self)
        guard head.hasPrefix("HTTP/1.1 200 ") else {
            if HTTPReply(reading: &bytes) == nil { bytes += try await connection.readToEnd() }
            guard let reply = HTTPReply(reading: &bytes, isEnded: true) else { throw Ended() }
            throw Refused(reply: reply)
        }
        return TestStream(head: head, connection: connection, bytes: bytes[end.upperBound...])
    }

    /// The next line, without its end; `nil` at the end of the stream.
    public func nextLine(within bound: Duration = .patience) async throws -> String? {
        while true {
            if let end = bytes.firstIndex(of: UInt8(ascii: "\n")) {
                defer { bytes = bytes[(end + 1)...] }
                return String(decoding: bytes[..<end], as: UTF8.self)
            }
            if hasEnded { return nil }
            do {
                bytes += try await connection.read(within: bound) { !$0.isEmpty }
            } catch let error as RawConnection.Timeout {
                // The end shows as a read that comes back before its bound.
                guard let rest = try? await connection.readToEnd(within: .milliseconds(1)) else { throw error }
                bytes += rest
                hasEnded = true
            }
        }
    }

    /// The next Server-Sent Event; `nil` at the end of the stream.
    public func nextEvent(within bound: Duration = .patience) async throws -> Event? {
        var event = Event()
        while let line = try await nextLine(within: bound) {
            if line.isEmpty { return event }
            let parts = line.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
            let value = parts.count > 1 ? String(parts[1].drop { $0 == " " }) : ""
            switch parts[0] {
            case "event": event.name = value
            case "id": event.id = value
            case "retry": event.retry = value
            case "data": event.data += value
            default: break
            }
        }
        return nil
    }

    /// The next JSON line that is no keepalive; `nil` at the end of the stream.
    public func nextObject(within bound: Duration = .patience) async throws -> JSONObject? {
        while let line = try await nextLine(within: bound) {
            guard let object = try JSONValue.parse(line).objectValue else { throw Ended() }
            if object["event"]?.stringValue != "keepalive" { return object }
        }
        return nil
    }

    public func close() async { try? await connection.close() }
}
