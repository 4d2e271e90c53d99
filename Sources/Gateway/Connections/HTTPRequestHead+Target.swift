import NIOHTTP1

extension HTTPRequestHead {
    private static let maximumSize = 16 * 1024
    private static let maximumTarget = 8 * 1024

    /// The target's path, without the query.
    var path: Substring { Substring(uri.utf8.prefix { $0 != UInt8(ascii: "?") }) }

    /// The target's query, without the `?`.
    var query: Substring { Substring(uri.utf8.drop { $0 != UInt8(ascii: "?") }.dropFirst()) }

    /// Whether a body follows.
    var hasBody: Bool {
        headers.contains(name: "transfer-encoding") || headers["content-length"].contains { $0 != "0" }
    }

    /// The refusal of a head that is larger than one may be, or has a path that no request may have.
    var excess: GatewayError? {
        guard uri.utf8.count <= Self.maximumTarget else {
            return GatewayError(.uriTooLong, "the request target is over \(Self.maximumTarget) bytes")
        }
        guard !Self.hasZeroByte(path) else {
            return GatewayError(.invalidRequest, "a path has no zero byte")
        }
        let size = headers.reduce(0) { $0 + $1.name.utf8.count + $1.value.utf8.count + 4 }
        return size <= Self.maximumSize ? nil : Self.tooLarge
    }

    /// Whether it has `%00`.
    private static func hasZeroByte(_ path: Substring) -> Bool {
        var rest = path.utf8[...]
        while let percent = rest.firstIndex(of: UInt8(ascii: "%")) {
            rest = rest[rest.index(after: percent)...]
            if rest.starts(with: "00".utf8) { return true }
        }
        return false
    }

    static let tooLarge = GatewayError(.headersTooLarge, "the request head is over \(maximumSize) bytes")
}
