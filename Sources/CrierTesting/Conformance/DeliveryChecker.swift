public import MessageBus

/// Holds what publishers and followers of a log experienced against the contract, after the fact.
///
/// A *follower* is anything that reads the log from a cursor on: a VM's subscription, or a reader that resumes wherever it likes. The
/// checker knows nothing of how they work: it sees what they were given. Bodies have to be unique, one for each alert that a publisher means.
public struct DeliveryChecker: Sendable {
    /// A broken promise.
    public enum Violation: Hashable, Sendable, CustomStringConvertible {
        /// Acknowledged, and a follower that should have got it did not.
        case lost(follower: String, position: Position)
        /// Nobody published it.
        case invented(follower: String, body: String)
        /// A follower got a position twice, or one before its cursor.
        case outOfOrder(follower: String, position: Position, after: Position)
        /// A follower was given a position that does not follow the one before it, and no loss was said.
        case hole(follower: String, position: Position, after: Position)
        /// Two alerts stand at one position.
        case positionReused(Position)
        /// One alert stands at two positions: its key did not hold.
        case doubled(body: String)
        /// What a publisher was told and what a follower was given differ.
        case wrongReceipt(body: String)

        public var description: String {
            switch self {
            case .lost(let follower, let position): "\(follower) never got \(position), which was acknowledged"
            case .invented(let follower, let body): "\(follower) got “\(body)”, which nobody published"
            case .outOfOrder(let follower, let position, let last): "\(follower) got \(position) after \(last)"
            case .hole(let follower, let position, let last): "\(follower) got \(position) right after \(last)"
            case .positionReused(let position): "two alerts stand at \(position)"
            case .doubled(let body): "“\(body)” stands in the log twice"
            case .wrongReceipt(let body): "the receipt of “\(body)” names another position"
            }
        }
    }

    private struct Follower {
        /// Everything after this is owed to it.
        let start: Position
        var cursor: Position
        var seen: Set<Position> = []
        /// What it was told it would not get: after the first and up to the second.
        var excused: [(after: Position, upTo: Position)] = []
    }

    private var attempted: Set<String> = []
    private var receipts: [String: Position] = [:]
    private var bodies: [Position: String] = [:]
    private var positions: [String: Position] = [:]
    private var followers: [String: Follower] = [:]
    private var found: [Violation] = []

    public init() {}

    /// A publisher is about to publish `body`, perhaps not for the first time.
    public mutating func attempt(_ body: String) { attempted.insert(body) }

    /// The bus said that it holds `body`.
    public mutating func acknowledge(_ body: String, at position: Position) {
        if let known = receipts[body], known != position { found.append(.doubled(body: body)) }
        receipts[body] = position
    }

    /// A follower begins: everything after `position` is owed to it.
    public mutating func begin(_ follower: String, after position: Position) {
        followers[follower] = Follower(start: position, cursor: position)
    }

    /// A follower was given an alert.
    public mutating func see(_ follower: String, _ position: Position, _ body: String) {
        guard let state = followers[follower] else { return }
        if !attempted.contains(body) { found.append(.invented(follower: follower, body: body)) }
        if position <= state.cursor {
            found.append(.outOfOrder(follower: follower, position: position, after: state.cursor))
        } else if !state.cursor.isFollowed(by: position) {
            found.append(.hole(follower: follower, position: position, after: state.cursor))
        }
        if let known = bodies[position], known != body { found.append(.positionReused(position)) }
        if let known = positions[body], known != position { found.append(.doubled(body: body)) }
        bodies[position] = body
        positions[body] = position
        followers[follower]?.seen.insert(position)
        followers[follower]?.cursor = max(state.cursor, position)
    }

    /// A follower was told that part of the log is gone for it, and that it goes on after `position`.
    public mutating func tellLoss(_ follower: String, resumesAfter position: Position) {
        guard let state = followers[follower] else { return }
        followers[follower]?.excused.append((state.cursor, position))
        followers[follower]?.cursor = position
    }

    /// Everything that was broken, once all followers have been given everything there was.
    public func violations() -> [Violation] {
        var all = found
        for (body, position) in receipts {
            if let known = positions[body], known != position { all.append(.wrongReceipt(body: body)) }
        }
        for (name, follower) in followers {
            for position in Set(receipts.values) where position > follower.start && !follower.seen.contains(position) {
                let isExcused = follower.excused.contains { position > $0.after && position <= $0.upTo }
                if !isExcused { all.append(.lost(follower: name, position: position)) }
            }
        }
        return all
    }
}
