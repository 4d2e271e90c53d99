/// Whether the alerts of one publisher come to one reader one after the other: numbers 1, 2, 3 and so on.
struct NumberCheck: Equatable, Sendable {
    enum Outcome: Equatable, Sendable {
        /// The number that was due.
        case next
        /// So many before it have not come, the first of them `from`.
        case gap(from: UInt32, count: UInt32)
        /// One that was missing, after later ones.
        case late
        /// One that has come before, or that is so far back that nobody knows.
        case repeated
    }

    /// The number that is due.
    private(set) var next: UInt32 = 1
    /// Which of the 64 before it have come; the lowest bit is the newest.
    private var history: UInt64 = 0

    mutating func takeNext() {
        history = history << 1 | 1
        next += 1
    }

    mutating func take(_ number: UInt32) -> Outcome {
        if number < next {
            let back = UInt64(next - 1 - number)
            guard back < 64, history >> back & 1 == 0 else { return .repeated }
            history |= 1 << back
            return .late
        }
        let missing = number - next
        let from = next
        // A shift by 64 or more leaves nothing.
        history <<= UInt64(missing)
        next = number
        takeNext()
        return missing == 0 ? .next : .gap(from: from, count: missing)
    }
}
