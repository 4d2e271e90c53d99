/// Acknowledgements cut to what Google takes in one request.
struct AckBatches: Sequence, IteratorProtocol {
    static let maxCount = 2_500
    /// Google's bound is 524,288 bytes for a request; the rest of one is the subscription's name and punctuation.
    static let maxBytes = 500_000

    private var rest: ArraySlice<String>

    init(_ ackIDs: [String]) { rest = ackIDs[...] }

    mutating func next() -> ArraySlice<String>? {
        guard !rest.isEmpty else { return nil }
        var bytes = 0
        var count = 0
        for id in rest.prefix(Self.maxCount) {
            // Quotation marks and a comma.
            bytes += id.utf8.count + 3
            guard bytes <= Self.maxBytes || count == 0 else { break }
            count += 1
        }
        defer { rest = rest.dropFirst(count) }
        return rest.prefix(count)
    }
}
