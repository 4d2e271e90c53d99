/// The parts of one reply as they come: a value, or an array's beginning, which is followed by its elements.
final class ReplyParts {
    private enum Part {
        case value(RESPValue)
        case array(count: Int)
    }

    private var parts: [Part] = []
    private let maximumElements: Int
    private let maximumDepth: Int
    /// Stands for a part: any address that is not null.
    private let token = UnsafeMutableRawPointer(bitPattern: 1)

    init(maximumElements: Int, maximumDepth: Int) {
        self.maximumElements = maximumElements
        self.maximumDepth = maximumDepth
    }

    /// Adds a value.
    func add(_ value: RESPValue) -> UnsafeMutableRawPointer? {
        parts.append(.value(value))
        return token
    }

    /// Begins an array.
    ///
    /// - Returns: null where it is too large or too deep.
    func open(elements: Int, depth: Int) -> UnsafeMutableRawPointer? {
        guard elements <= maximumElements, depth <= maximumDepth else { return nil }
        parts.append(.array(count: elements))
        return token
    }

    /// The reply that the parts make up.
    func takeReply() -> RESPValue {
        defer { parts.removeAll(keepingCapacity: parts.count <= 4096) }
        var index = 0
        return value(at: &index)
    }

    /// Nested no deeper than `maximumDepth`.
    private func value(at index: inout Int) -> RESPValue {
        guard index < parts.count else { return .null }
        let part = parts[index]
        index += 1
        switch part {
        case .value(let value): return value
        case .array(let count):
            var elements: [RESPValue] = []
            elements.reserveCapacity(count)
            for _ in 0..<max(0, count) { elements.append(value(at: &index)) }
            return .array(elements)
        }
    }
}

@available(*, unavailable)
extension ReplyParts: Sendable {}
