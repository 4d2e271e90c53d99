import MessageBus

/// Who says something on the topic, by boot id.
///
/// Bounded by `capacity`; overflow policy: the one that was silent for longest is forgotten.
struct Voices: Sendable {
    static let capacity = 1_000

    private var last: [String: WallTime] = [:]

    mutating func heard(_ author: String, at time: WallTime) {
        if last[author] == nil, last.count >= Self.capacity, let oldest = last.min(by: { $0.value < $1.value }) {
            last[oldest.key] = nil
        }
        last[author] = max(time, last[author] ?? time)
    }

    /// It said, or somebody did for it, that it is gone. Whatever it says after that counts again.
    mutating func left(_ author: String) { last[author] = nil }

    func lastWord(of author: String) -> WallTime? { last[author] }

    /// Those heard since a time, in the order in which they take over from a leader that is gone.
    func heard(since time: WallTime) -> [String] { last.filter { $0.value >= time }.keys.sorted() }
}
