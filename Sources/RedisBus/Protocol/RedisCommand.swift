/// A command and its arguments, or a part of one, kept in one piece.
struct RedisCommand: Sendable, Equatable {
    /// All arguments, one after the other.
    private(set) var bytes: [UInt8] = []
    /// Where each argument ends in `bytes`.
    private(set) var ends: [Int] = []

    init(_ words: String...) { for word in words { append(word) } }

    mutating func append(_ word: String) {
        bytes.append(contentsOf: word.utf8)
        ends.append(bytes.count)
    }

    mutating func append(_ word: [UInt8]) {
        bytes.append(contentsOf: word)
        ends.append(bytes.count)
    }

    mutating func append(_ number: some BinaryInteger) { append(String(number)) }

    mutating func append(_ words: [String]) { for word in words { append(word) } }

    /// Appends another command's words.
    mutating func append(contentsOf other: RedisCommand) {
        let start = bytes.count
        bytes.append(contentsOf: other.bytes)
        ends.append(contentsOf: other.ends.map { start + $0 })
    }
}
