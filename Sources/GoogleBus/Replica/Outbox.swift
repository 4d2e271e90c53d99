import DequeModule
import MessageBus

/// What this VM has to say, in order, until Pub/Sub has taken it.
///
/// Bounded by `capacity` words and `bytes`; overflow policy: what does not fit is refused.
struct Outbox: Sendable {
    static let capacity = 50_000
    static let bytes = 64 << 20
    /// How much one request carries at most. Google's bounds are 1,000 messages and 10 MB, which JSON's base64 is a third of.
    static let batchCount = 1_000
    static let batchBytes = 4 << 20

    private struct Waiting: Sendable {
        let number: UInt64
        let message: OutgoingMessage

        var weight: Int { message.data.count + Self.overhead }
        /// What a message's attributes take, nearly.
        private static let overhead = 256
    }

    private let author: String
    private var last: UInt64 = 0
    private var words: Deque<Waiting> = []
    private var weight = 0

    /// - Parameter author: the boot id of the process.
    init(author: String) { self.author = author }

    /// Whether so many alerts of so many bytes fit.
    func hasRoom(for count: Int, bytes: Int) -> Bool {
        words.count + count <= Self.capacity && weight + bytes <= Self.bytes
    }

    /// - Returns: the word's number.
    mutating func append(_ saying: Word.Saying) -> UInt64 {
        last += 1
        let waiting = Waiting(number: last, message: Word(author: author, number: last, saying: saying).message)
        words.append(waiting)
        weight += waiting.weight
        return last
    }

    /// What the next request carries, and the last of its numbers.
    var batch: (messages: [OutgoingMessage], last: UInt64)? {
        guard var last = words.first?.number else { return nil }
        var messages: [OutgoingMessage] = []
        var bytes = 0
        for waiting in words.prefix(Self.batchCount) {
            bytes += waiting.weight
            if !messages.isEmpty && bytes > Self.batchBytes { break }
            messages.append(waiting.message)
            last = waiting.number
        }
        return (messages, last)
    }

    /// Pub/Sub has taken everything up to a number, or never will.
    mutating func remove(upTo number: UInt64) {
        while let first = words.first, first.number <= number {
            weight -= first.weight
            words.removeFirst()
        }
    }

    /// Nobody waits for these any more.
    mutating func giveUp(_ numbers: ClosedRange<UInt64>) {
        words.removeAll { waiting in
            guard numbers.contains(waiting.number) else { return false }
            weight -= waiting.weight
            return true
        }
    }
}
