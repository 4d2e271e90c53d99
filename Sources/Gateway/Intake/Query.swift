import NIOHTTP1

/// A URL's query as name and value pairs (WHATWG URL, "application/x-www-form-urlencoded parsing").
enum Query {
    /// At most 100 pairs; bytes that are not UTF-8 become U+FFFD.
    static func parse(_ query: some StringProtocol) -> [(name: String, value: String)] {
        query.utf8.split(separator: UInt8(ascii: "&"), maxSplits: 100).prefix(100).map { pair in
            let parts = pair.split(separator: UInt8(ascii: "="), maxSplits: 1, omittingEmptySubsequences: false)
            return (decode(parts[0]), parts.count > 1 ? decode(parts[1]) : "")
        }
    }

    private static func decode(_ text: some Collection<UInt8>) -> String {
        String(decoding: PercentEncoding.decode(text, plusIsSpace: true), as: UTF8.self)
    }
}

extension RequestFields {
    init(_ head: HTTPRequestHead) {
        self.init(
            headers: head.headers.map { ($0.name.lowercased(), $0.value) }, query: Query.parse(head.query))
    }
}
