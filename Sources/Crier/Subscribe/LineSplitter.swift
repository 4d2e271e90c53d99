/// Splits a stream of bytes into lines, however the bytes arrive. It holds one unfinished line of at most `limit`
/// bytes.
struct LineSplitter: Sendable {
    /// A line is longer than the limit. The stream cannot be read on: there is no telling where the next line begins.
    struct LineTooLong: Error, Equatable {
        let limit: Int
    }

    let limit: Int
    private var unfinished: [UInt8] = []

    init(limit: Int = 1 << 20) {
        self.limit = limit
    }

    /// The lines that `bytes` complete, without their line feed and a carriage return before it; empty ones are left
    /// out.
    mutating func append(_ bytes: some Collection<UInt8>) throws(LineTooLong) -> [[UInt8]] {
        var lines: [[UInt8]] = []
        var rest = bytes[...]
        while let end = rest.firstIndex(of: UInt8(ascii: "\n")) {
            try extend(rest[..<end])
            if unfinished.last == UInt8(ascii: "\r") { unfinished.removeLast() }
            if !unfinished.isEmpty { lines.append(unfinished) }
            unfinished.removeAll(keepingCapacity: true)
            rest = rest[rest.index(after: end)...]
        }
        try extend(rest)
        return lines
    }

    private mutating func extend(_ part: some Collection<UInt8>) throws(LineTooLong) {
        guard part.count <= limit - unfinished.count else { throw LineTooLong(limit: limit) }
        unfinished.append(contentsOf: part)
    }
}
