import MessageBus

/// Holds the logs of all readers against what was published and acknowledged, after the run. It knows nothing of how Crier works.
struct DeliveryAudit: Sendable {
    /// A broken promise.
    enum Violation: Hashable, Sendable, CustomStringConvertible {
        /// Acknowledged, not seen, and no reset covers it.
        case lost(reader: String, number: Int, position: Position)
        /// Seen, and nobody published it.
        case phantom(reader: String, position: Position)
        /// A reader was given one alert twice.
        case repeated(reader: String, number: Int)
        /// A reader was given an id that is not after the one before.
        case reordered(reader: String, position: Position, after: Position)
        /// A reader was given an id that does not follow the one before it, without a reset.
        case skipped(reader: String, position: Position, after: Position)
        /// Two alerts stand at one position.
        case reused(Position)
        /// One alert was raised twice: it stands at two positions, and neither was healed from the other.
        case doubled(number: Int)
        /// Tried until the publisher gave up.
        case unacknowledged(number: Int)

        var description: String {
            switch self {
            case .lost(let reader, let number, let position): "\(reader) never got alert \(number) at \(position)"
            case .phantom(let reader, let position): "\(reader) got an alert at \(position) that nobody published"
            case .repeated(let reader, let number): "\(reader) got alert \(number) twice"
            case .reordered(let reader, let position, let last): "\(reader) got \(position) after \(last)"
            case .skipped(let reader, let position, let last): "\(reader) got \(position) right after \(last)"
            case .reused(let position): "two alerts stand at \(position)"
            case .doubled(let number): "alert \(number) was raised twice"
            case .unacknowledged(let number): "alert \(number) was never acknowledged"
            }
        }
    }

    /// An alert as it stands in the log.
    struct HeldAlert: Sendable {
        let position: Position
        let number: Int?
        let healedFrom: Position?
    }

    /// What the run came to.
    struct Findings: Sendable {
        var violations: [Violation] = []
        /// Alerts handed to readers, those dropped by the rule for healed ones not among them.
        var deliveries = 0
        /// Deliveries of alerts that the bus had lost and a VM put into the log again.
        var healedLate = 0
        /// Healed alerts that readers knew and dropped.
        var healedKnown = 0
        /// Alerts that a reader did not get and was told of by a reset, once for each reader.
        var excused = 0
        var resets = 0
        var reconnects = 0

        var lost: Int {
            count { if case .lost = $0 { true } else if case .unacknowledged = $0 { true } else { false } }
        }
        var duplicated: Int {
            count { if case .repeated = $0 { true } else if case .doubled = $0 { true } else { false } }
        }
        /// Reordered, skipped, invented, or two at one position.
        var disordered: Int { violations.count - lost - duplicated }

        private func count(_ isCounted: (Violation) -> Bool) -> Int { violations.count(where: isCounted) }
    }

    private let attempted: Int
    private let receipts: [Int: Set<Position>]
    private var findings = Findings()
    private var numbers: [Position: Int] = [:]
    /// The healed alerts that the log held at the end. VMs leave them out for readers that surely had them before.
    private var healed: [Position: Int] = [:]
    /// For each alert the positions that it stood at, each with those that it was healed from.
    private var links: [Int: [Set<Position>]] = [:]

    private init(attempted: Int, receipts: [Int: Set<Position>]) {
        self.attempted = attempted
        self.receipts = receipts
    }

    /// Holds everything against everything.
    ///
    /// - Parameters:
    ///   - alerts: how many have to be acknowledged, numbered from 0.
    ///   - attempted: how many were tried; those beyond `alerts` need not be acknowledged.
    ///   - receipts: for each acknowledged alert the positions that it was acknowledged at; more than one where a retry was acknowledged too.
    ///   - held: what the log held at the end.
    ///   - logs: by reader.
    static func check(
        alerts: Int, attempted: Int, receipts: [Int: Set<Position>], held: [HeldAlert] = [],
        logs: [(reader: String, log: ReaderLog)]
    ) -> Findings {
        var audit = DeliveryAudit(attempted: attempted, receipts: receipts)
        for alert in held {
            guard let number = alert.number, number < attempted else {
                audit.findings.violations.append(.phantom(reader: "the log", position: alert.position))
                continue
            }
            audit.place(number, at: alert.position, healedFrom: alert.healedFrom)
            if alert.healedFrom != nil { audit.healed[alert.position] = number }
        }
        for (number, positions) in receipts.sorted(by: { $0.key < $1.key }) {
            for position in positions { audit.place(number, at: position, healedFrom: nil) }
        }
        for number in 0..<alerts where receipts[number] == nil {
            audit.findings.violations.append(.unacknowledged(number: number))
        }
        // An alert's places are known only after all logs were read, so losses are looked for afterwards.
        var accounts: [(String, Account)] = []
        for (reader, log) in logs { accounts.append((reader, audit.read(log, of: reader))) }
        for number in audit.links.keys.sorted() where (audit.links[number]?.count ?? 0) > 1 {
            audit.findings.violations.append(.doubled(number: number))
        }
        for (reader, account) in accounts { audit.lookForLosses(account, of: reader) }
        return audit.findings
    }

    private struct Account {
        var start: Position?
        var seen: Set<Int> = []
        var excused: [(after: Position, upTo: Position)] = []
    }

    private mutating func read(_ log: ReaderLog, of reader: String) -> Account {
        var account = Account()
        var cursor = Position.origin
        var last = Position.origin
        for entry in log.entries {
            switch entry {
            case .began(let position):
                account.start = position
                cursor = position
                last = position
            case .alert(let position, let number, let healedFrom, let isKnown):
                if position <= last {
                    findings.violations.append(.reordered(reader: reader, position: position, after: last))
                } else if !follows(position, cursor, seen: account.seen) {
                    findings.violations.append(.skipped(reader: reader, position: position, after: cursor))
                }
                cursor = max(cursor, position)
                last = max(last, position)
                guard let number, number < attempted else {
                    findings.violations.append(.phantom(reader: reader, position: position))
                    continue
                }
                place(number, at: position, healedFrom: healedFrom)
                if isKnown {
                    findings.healedKnown += 1
                } else {
                    findings.deliveries += 1
                    if healedFrom != nil { findings.healedLate += 1 }
                    if !account.seen.insert(number).inserted {
                        findings.violations.append(.repeated(reader: reader, number: number))
                    }
                }
            case .reset(let reset):
                findings.resets += 1
                account.excused.append((cursor, reset.resumesAfter))
                cursor = reset.resumesAfter
            case .connected, .disconnected, .stale, .live, .drain: break
            }
        }
        findings.reconnects += log.reconnects
        return account
    }

    /// Whether nothing that is new to the reader stands between: the next offset of the epoch, or the first of a later one, or between them only healed
    /// alerts that it has seen.
    private func follows(_ position: Position, _ cursor: Position, seen: Set<Int>) -> Bool {
        guard position.epoch >= cursor.epoch else { return false }
        let first = position.epoch == cursor.epoch ? cursor.offset + 1 : 1
        return (first..<max(first, position.offset)).allSatisfy { offset in
            healed[Position(epoch: position.epoch, offset: offset)].map { seen.contains($0) } ?? false
        }
    }

    private mutating func place(_ number: Int, at position: Position, healedFrom: Position?) {
        if let known = numbers[position] {
            if known != number {
                numbers[position] = number
                findings.violations.append(.reused(position))
            } else if healedFrom == nil {
                // Most of all calls: one of many readers got what the others got.
                return
            }
        }
        numbers[position] = number
        var group: Set<Position> = [position]
        if let healedFrom { group.insert(healedFrom) }
        var groups = links[number] ?? []
        groups.removeAll {
            guard !$0.isDisjoint(with: group) else { return false }
            group.formUnion($0)
            return true
        }
        groups.append(group)
        links[number] = groups
    }

    private mutating func lookForLosses(_ account: Account, of reader: String) {
        guard let start = account.start else {
            findings.violations += receipts.keys.sorted().map { .lost(reader: reader, number: $0, position: .origin) }
            return
        }
        for (number, positions) in receipts where !account.seen.contains(number) {
            let places = (links[number] ?? []).reduce(into: positions) { $0.formUnion($1) }
            guard let first = places.min(), first > start else { continue }
            if places.contains(where: { place in account.excused.contains { place > $0.after && place <= $0.upTo } }) {
                findings.excused += 1
            } else {
                findings.violations.append(.lost(reader: reader, number: number, position: first))
            }
        }
    }
}
