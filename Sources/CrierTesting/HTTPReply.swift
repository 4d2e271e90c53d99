public import StrictJSON

/// An HTTP/1.1 response as a test reads it from a connection.
public struct HTTPReply: Sendable {
    /// Bytes that are no response.
    public struct Malformed: Error, CustomStringConvertible {
        public let bytes: [UInt8]

        public init(bytes: [UInt8]) { self.bytes = bytes }

        public var description: String { "not a response: \(String(decoding: bytes, as: UTF8.self).debugDescription)" }
    }

    public let status: Int
    public let headers: [(name: String, value: String)]
    public let body: [UInt8]

    /// Reads one response, taking its bytes.
    ///
    /// - Parameters:
    ///   - toHead: it answers a HEAD request and so has no body.
    ///   - isEnded: nothing follows, so a body of unknown length is what there is.
    /// - Returns: `nil` where it is not there completely, or not a response.
    public init?(reading bytes: inout ArraySlice<UInt8>, toHead: Bool = false, isEnded: Bool = false) {
        let end = Array("\r\n\r\n".utf8)
        guard let blank = bytes.firstRange(of: end) else { return nil }
        let lines = String(decoding: bytes[..<blank.lowerBound], as: UTF8.self).split(separator: "\r\n")
        let words = lines.first?.split(separator: " ") ?? []
        guard words.count >= 2, words[0].hasPrefix("HTTP/1."), let status = Int(words[1]) else { return nil }
        var headers: [(name: String, value: String)] = []
        for line in lines.dropFirst() {
            guard let colon = line.firstIndex(of: ":") else { return nil }
            let value = line[line.index(after: colon)...].drop { $0 == " " }
            headers.append((line[..<colon].lowercased(), String(value)))
        }
        func header(_ name: String) -> String? { headers.first { $0.name == name }?.value }
        var rest = bytes[blank.upperBound...]
        if toHead || status < 200 || status == 204 || status == 304 {
            body = []
        } else if let text = header("content-length") {
            guard let length = Int(text), rest.count >= length else { return nil }
            body = Array(rest.prefix(length))
            rest = rest.dropFirst(length)
        } else if header("transfer-encoding") == "chunked" {
            guard let content = Self.chunks(&rest) else { return nil }
            body = content
        } else {
            guard isEnded else { return nil }
            body = Array(rest)
            rest = []
        }
        self.status = status
        self.headers = headers
        bytes = rest
    }

    /// The first header of a name, in any case.
    public func header(_ name: String) -> String? { headers.first { $0.name == name.lowercased() }?.value }

    public var text: String { String(decoding: body, as: UTF8.self) }

    /// The body as JSON.
    public func json() throws -> JSONValue { try JSONValue.parse(body) }

    /// The body as a JSON object.
    public func object() throws -> JSONObject {
        guard let object = try json().objectValue else { throw Malformed(bytes: body) }
        return object
    }

    private static func chunks(_ bytes: inout ArraySlice<UInt8>) -> [UInt8]? {
        let newline = Array("\r\n".utf8)
        var rest = bytes
        var content: [UInt8] = []
        while let end = rest.firstRange(of: newline) {
            guard let size = Int(String(decoding: rest[..<end.lowerBound], as: UTF8.self), radix: 16) else {
                return nil
            }
            rest = rest[end.upperBound...]
            guard rest.count >= size + 2 else { return nil }
            content += rest.prefix(size)
            rest = rest.dropFirst(size + 2)
            if size == 0 {
                bytes = rest
                return content
            }
        }
        return nil
    }
}
