import DequeModule

/// What was heard before it is known where the log stands, in order.
///
/// Bounded by `capacity` words and `bytes` of alerts; overflow policy: the oldest leave, so that the log begins later.
struct Unplaced: Sendable {
    static let capacity = 100_000
    static let bytes = 64 << 20

    private var words: Deque<Heard> = []
    private var weight = 0

    mutating func append(_ heard: Heard) {
        words.append(heard)
        weight += Self.weight(of: heard)
        while words.count > Self.capacity || weight > Self.bytes, let oldest = words.popFirst() {
            weight -= Self.weight(of: oldest)
        }
    }

    /// Everything up to a message, and everything behind it; `nil` where it was not heard.
    func split(after message: String) -> (before: Deque<Heard>.SubSequence, behind: Deque<Heard>.SubSequence)? {
        guard let index = words.lastIndex(where: { $0.message == message }) else { return nil }
        return (words[...index], words[(index + 1)...])
    }

    var all: Deque<Heard> { words }

    private static func weight(of heard: Heard) -> Int {
        guard case .alert(let alert) = heard.word.saying else { return 0 }
        return alert.body.count
    }
}
