import DequeModule
import MessageBus

/// Where the log stood behind each of the last messages.
///
/// Bounded by `capacity`; overflow policy: the oldest leave, and what is said of them is not judged.
struct Marks: Sendable {
    struct Mark: Sendable, Equatable {
        let position: Position
        let checksum: Checksum
    }

    static let capacity = 50_000

    private var marks: [String: Mark] = [:]
    private var order: Deque<String> = []

    subscript(message: String) -> Mark? { marks[message] }
    var newest: (message: String, mark: Mark)? {
        order.last.flatMap { message in marks[message].map { (message, $0) } }
    }

    mutating func add(_ message: String, _ mark: Mark) {
        guard marks.updateValue(mark, forKey: message) == nil else { return }
        order.append(message)
        if order.count > Self.capacity { marks[order.removeFirst()] = nil }
    }

    mutating func removeAll() { self = Marks() }
}
