/// What a server answers to a reader's request.
enum HandshakeAnswer: Equatable {
    /// The stream begins after so many bytes.
    case accepted(length: Int)
    case refused(ServerRefusal)
    case notHTTP

    /// The key that every socket offers, and the answer to it: both are the example of RFC 6455 section 1.3.
    static let key = "dGhlIHNhbXBsZSBub25jZQ=="
    private static let acceptance: StaticString = ": s3pPLMBiTxaQ9kYGzzhZRbK+xOo="

    private static let longestHead = 16_384
    private static let longestBody = 65_536

    /// - Parameters:
    ///   - bytes: all that has come.
    ///   - hasEnded: whether nothing more comes.
    /// - Returns: `nil` where more has to come.
    static func read(_ bytes: UnsafeRawBufferPointer, to form: LoadPlan.Form, hasEnded: Bool) -> HandshakeAnswer? {
        guard let headCount = bytes.place(of: "\r\n\r\n"), headCount <= longestHead else {
            return hasEnded || bytes.count > longestHead ? .notHTTP : nil
        }
        let head = UnsafeRawBufferPointer(rebasing: bytes[..<headCount])
        let length = headCount + 4
        guard head.place(of: "HTTP/1.1 ") == 0, let status = status(of: head) else { return .notHTTP }
        switch form {
        case .ws where status == 101: return head.place(of: acceptance) == nil ? .notHTTP : .accepted(length: length)
        case .sse where status == 200: return .accepted(length: length)
        default: return refusal(status, head, bytes[length...], hasEnded: hasEnded)
        }
    }

    private static func status(of head: UnsafeRawBufferPointer) -> Int? {
        guard head.count >= 12 else { return nil }
        return Int(String(decoding: head[9..<12], as: UTF8.self))
    }

    private static func refusal(
        _ status: Int, _ head: UnsafeRawBufferPointer, _ body: Slice<UnsafeRawBufferPointer>, hasEnded: Bool
    ) -> HandshakeAnswer? {
        let head = String(decoding: head, as: UTF8.self)
        guard hasEnded || isWhole(body, head) else { return nil }
        // Without the lengths that a chunked body has around its JSON.
        let json = body.firstIndex(of: UInt8(ascii: "{")).flatMap { start in
            body.lastIndex(of: UInt8(ascii: "}")).flatMap { end in start < end ? body[start...end] : nil }
        }
        return .refused(
            ServerRefusal(status: status, body: json.map { Array($0) } ?? [], location: field("location", of: head)))
    }

    private static func isWhole(_ body: Slice<UnsafeRawBufferPointer>, _ head: String) -> Bool {
        if body.count >= longestBody { return true }
        if let length = field("content-length", of: head).flatMap({ Int($0) }) { return body.count >= length }
        return body.suffix(5).elementsEqual("0\r\n\r\n".utf8)
    }

    /// - Parameter name: in lower case.
    private static func field(_ name: String, of head: String) -> String? {
        // Swift takes CR LF as one character.
        for line in head.split(separator: "\r\n") where line.lowercased().hasPrefix(name + ":") {
            return String(line.dropFirst(name.count + 1).drop { $0 == " " })
        }
        return nil
    }
}
