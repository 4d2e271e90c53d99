import NIOHTTP1

/// The head of a plain publishing request: `POST` or `PUT` to `/` or `/{topic}` with a body whose length is said.
struct PublishRequest {
    let head: HTTPRequestHead
    /// `nil` where the body names it.
    let topic: String?
    let bodyLength: Int
    /// Whether the client wants no other request on the connection.
    let isLast: Bool
    /// What the answer carries.
    var cookieChange: CookieChange?

    /// - Returns: `nil` where it is another request, or one that needs more than this: a batch, a body in chunks or over the limit, `Expect`.
    init?(_ head: HTTPRequestHead, maximumBody: Int) {
        let path = head.path.utf8.dropFirst()
        guard head.method == .POST || head.method == .PUT, path.allSatisfy(Self.isTopicByte) else { return nil }
        let topic = path.isEmpty ? nil : String(Substring(path))
        if let topic, Route.reservedNames.contains(topic) { return nil }
        var length: Int?
        var isLast = false
        for (name, value) in head.headers {
            switch name.utf8.count {
            case 14 where name.isEqual(toLowercase: "content-length"):
                guard length == nil, (1...9).contains(value.utf8.count), value.utf8.allSatisfy(Self.isDigit) else {
                    return nil
                }
                length = Int(value)
            case 17 where name.isEqual(toLowercase: "transfer-encoding"): return nil
            case 6 where name.isEqual(toLowercase: "expect"): return nil
            case 12 where name.isEqual(toLowercase: "content-type"):
                if value.lowercased().hasPrefix("application/cloudevents-batch") { return nil }
            case 10 where name.isEqual(toLowercase: "connection"):
                if value.isEqual(toLowercase: "close") {
                    isLast = true
                } else if !value.isEqual(toLowercase: "keep-alive") {
                    return nil
                }
            default: break
            }
        }
        guard let length, length <= maximumBody else { return nil }
        self.head = head
        self.topic = topic
        self.bodyLength = length
        self.isLast = isLast
    }

    private static func isDigit(_ byte: UInt8) -> Bool { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) }

    private static func isTopicByte(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "_"):
            true
        default: false
        }
    }
}

extension String {
    /// Compares with an ASCII text in lower case, whatever the case of this one.
    fileprivate func isEqual(toLowercase other: StaticString) -> Bool {
        let wanted = UnsafeBufferPointer(start: other.utf8Start, count: other.utf8CodeUnitCount)
        return utf8.elementsEqual(wanted) { byte, lower in
            byte == lower || (byte | 0x20 == lower && (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(lower))
        }
    }
}
