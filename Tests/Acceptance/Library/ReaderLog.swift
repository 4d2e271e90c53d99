import MessageBus

/// What a reader experienced, in order.
struct ReaderLog: Sendable {
    /// A `reset` event.
    struct Reset: Sendable, Equatable {
        enum Reason: String, Sendable {
            case retention, epoch, unknown, lost
        }

        /// `nil` where the event named a reason that the protocol does not know.
        let reason: Reason?
        /// The feed goes on after this.
        let resumesAfter: Position
    }

    enum Entry: Sendable {
        /// The reader begins: everything after this is owed to it.
        case began(after: Position)
        /// An alert.
        ///
        /// - number: which alert of the run it is; `nil` where it is none of them.
        /// - healedFrom: the id that it had before the bus lost it.
        /// - isKnown: the reader had seen that id, and dropped the alert.
        case alert(Position, number: Int?, healedFrom: Position?, isKnown: Bool)
        case reset(Reset)
        /// A stream is open, on the VM of this id.
        case connected(vm: String, at: ContinuousClock.Instant)
        /// - code: of the close frame, where one came.
        case disconnected(code: Int?, at: ContinuousClock.Instant)
        case stale(at: ContinuousClock.Instant)
        case live(at: ContinuousClock.Instant)
        case drain(at: ContinuousClock.Instant)
    }

    private(set) var entries: [Entry] = []

    mutating func add(_ entry: Entry) { entries.append(entry) }

    var resets: [Reset] {
        entries.compactMap { if case .reset(let reset) = $0 { reset } else { nil } }
    }

    /// How often it connected again.
    var reconnects: Int {
        max(0, entries.count { if case .connected = $0 { true } else { false } } - 1)
    }
}
