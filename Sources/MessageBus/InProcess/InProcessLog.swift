/// The in-process bus as a value: its log, its keys and its subscriptions' cursors, apart from locks and waiting tasks' scheduling.
struct InProcessLog: Sendable {
    typealias Waiter = CheckedContinuation<Void, Never>

    /// What a subscription finds when it looks.
    enum Reading {
        case delivery(Delivery)
        case upToDate
        case ended
    }

    private struct Member: Sendable {
        let vm: VMIdentity
        let since: WallTime
        var cursor: Position
        var load: VMLoad
        var seen: WallTime
        var waiter: Waiter?
    }

    private var tail: LogTail<Alert>
    private var keys = IdempotencyWindow()
    private var members: [SubscriptionName: Member] = [:]

    init(epoch: UInt64, retention: Retention) {
        self.tail = LogTail(after: Position(epoch: epoch, offset: 0), retention: retention)
    }

    mutating func append(_ drafts: [Draft], now: WallTime) -> [Receipt] {
        keys.forgetExpired(now: now)
        return drafts.map { draft in
            let position = nextPosition(now: now)
            if let key = draft.key {
                let first = keys.remember(key, on: draft.topic, at: position, now: now)
                if first != position { return Receipt(position: first, isDuplicate: true) }
            }
            tail.append(Alert(position: position, draft: draft), now: now)
            return Receipt(position: position, isDuplicate: false)
        }
    }

    /// The position after the log's end; a used-up epoch is followed by a new one.
    private func nextPosition(now: WallTime) -> Position {
        if tail.head.offset < Position.maximumComponent { return tail.head.successor }
        return Position(epoch: Epoch.beginning(at: now, after: tail.head.epoch), offset: 1)
    }

    mutating func subscribe(_ vm: VMIdentity, tail count: Int, now: WallTime) -> (start: Position, head: Position) {
        let newest = tail.cursor(beforeLast: count)
        let start = max(tail.floor, min(newest, members[vm.subscription]?.load.position ?? newest))
        members[vm.subscription] = Member(
            vm: vm, since: now, cursor: start, load: VMLoad(sockets: 0, position: start), seen: now, waiter: nil)
        return (start, tail.head)
    }

    mutating func read(_ vm: VMIdentity, limit: Int) -> Reading {
        guard let member = member(of: vm) else { return .ended }
        guard tail.head > member.cursor else { return .upToDate }
        guard tail.covers(member.cursor) else {
            members[vm.subscription]?.cursor = tail.floor
            return .delivery(.lost(Loss(cause: .retention, resumesAfter: tail.floor)))
        }
        var alerts = Array(tail.entries(after: member.cursor).prefix(max(1, limit)))
        if let first = alerts.first, first.position.epoch != member.cursor.epoch {
            let start = Position(epoch: first.position.epoch, offset: 0)
            members[vm.subscription]?.cursor = start
            return .delivery(.lost(Loss(cause: .epoch, resumesAfter: start)))
        }
        while let last = alerts.last, last.position.epoch != member.cursor.epoch { alerts.removeLast() }
        members[vm.subscription]?.cursor = alerts.last?.position ?? member.cursor
        return .delivery(.alerts(alerts))
    }

    mutating func report(_ load: VMLoad, of vm: VMIdentity, now: WallTime) {
        guard member(of: vm) != nil else { return }
        members[vm.subscription]?.load = load
        members[vm.subscription]?.seen = now
    }

    /// - Returns: the task that waits on the deleted subscription, to be resumed.
    mutating func delete(_ vm: VMIdentity) -> Waiter? {
        guard let member = member(of: vm) else { return nil }
        members[vm.subscription] = nil
        return member.waiter
    }

    var records: [VMRecord] {
        members.values.sorted { $0.vm.subscription < $1.vm.subscription }.map { member in
            VMRecord(
                vm: member.vm, load: member.load, lag: member.load.position.distance(to: tail.head),
                since: member.since, seen: member.seen)
        }
    }

    /// Only the boot that holds the name is its member.
    private func member(of vm: VMIdentity) -> Member? {
        guard let member = members[vm.subscription], member.vm.boot == vm.boot else { return nil }
        return member
    }
}

// Waiting tasks.
extension InProcessLog {
    /// Whether `vm` has read everything and should wait.
    func isWaiting(_ vm: VMIdentity) -> Bool {
        guard let member = member(of: vm) else { return false }
        return member.cursor >= tail.head
    }

    mutating func setWaiter(_ waiter: Waiter, of vm: VMIdentity) {
        members[vm.subscription]?.waiter = waiter
    }

    mutating func takeWaiter(of vm: VMIdentity) -> Waiter? {
        member(of: vm) == nil ? nil : takeWaiter(of: vm.subscription)
    }

    mutating func takeWaiter(of name: SubscriptionName) -> Waiter? {
        guard let waiter = members[name]?.waiter else { return nil }
        members[name]?.waiter = nil
        return waiter
    }

    /// The tasks whose subscriptions have something to read now.
    mutating func takeReadyWaiters() -> [Waiter] {
        var waiters: [Waiter] = []
        for (name, member) in members where member.waiter != nil && member.cursor < tail.head {
            if let waiter = takeWaiter(of: name) { waiters.append(waiter) }
        }
        return waiters
    }
}
