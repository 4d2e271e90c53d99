import MessageBus

/// The last number that was heard of each author: Pub/Sub delivers at least once, and an author repeats what it does not know to have arrived.
///
/// Authors say something every few seconds, so one that was silent for `memory` is gone. Bounded by `capacity`; overflow policy: the one that was
/// silent for longest is forgotten.
struct Authors: Sendable {
    /// Milliseconds; longer than anything is retained.
    static let memory: Int64 = 1_200_000
    static let capacity = 10_000

    private struct Last {
        var number: UInt64
        var time: WallTime
    }

    private var last: [String: Last] = [:]

    /// Whether a word, or a later one of its author, was heard before.
    func knows(_ number: UInt64, of author: String) -> Bool { last[author].map { $0.number >= number } ?? false }

    /// Whether a word was not heard before; remembers it then.
    mutating func isNew(_ number: UInt64, of author: String, at time: WallTime) -> Bool {
        if let known = last[author] {
            guard number > known.number else { return false }
        } else if last.count >= Self.capacity {
            forget(now: time)
        }
        last[author] = Last(number: number, time: time)
        return true
    }

    private mutating func forget(now: WallTime) {
        let horizon = now.advanced(byMilliseconds: -Self.memory)
        last = last.filter { $0.value.time > horizon }
        if last.count >= Self.capacity, let oldest = last.min(by: { $0.value.time < $1.value.time }) {
            last[oldest.key] = nil
        }
    }
}
