public import MessageBus

/// Publishers, VMs and readers on one bus, under a virtual clock, in an order that a seed decides: thousands of interleavings that a
/// machine's scheduler would seldom find, each of them repeatable.
///
/// One step is one event: a batch is published, its acknowledgement is lost and it is published again, a VM takes a few alerts from the bus, a
/// VM crashes and comes back with a new boot while the old one still tries to act, a reader takes a few alerts, loses its connection or
/// comes back to any VM with its cursor, the clock goes on, the bus itself loses everything. At the end everybody gets everything there is, and a
/// `DeliveryChecker` says what was broken.
public struct LogSimulation {
    /// Mistakes of VMs and buses that the checker has to catch.
    public enum Mistake: Sendable, CaseIterable {
        /// A reader that comes back goes live without what it missed.
        case noResume
        /// A reader whose cursor is no longer covered is not told.
        case silentReset
        /// A bus that lost everything begins with the epoch that it had.
        case constantEpoch
    }

    private struct VM {
        let identity: VMIdentity
        var subscription: any Subscription
        var cursor: Position
        var ring: LogTail<Alert>
    }

    private struct Reader {
        let name: String
        var vm: Int?
        var cursor: Position
    }

    private let clock = VirtualClock()
    private let wrap: @Sendable (InProcessBus) -> any MessageBus
    private let mistake: Mistake?
    private let retention = Retention(count: 60, age: 5_000, bytes: 1 << 20)
    private var random: SeededGenerator
    private var checker = DeliveryChecker()
    /// The log itself, and what publishers and VMs see of it.
    private var log: InProcessBus
    private var bus: any MessageBus
    private var epoch: UInt64
    private var vms: [VM] = []
    private var readers: [Reader] = []
    /// Published, and not acknowledged as far as its publisher knows.
    private var unacknowledged: [(body: String, since: WallTime)] = []
    private var published = 0
    private var boots = 0

    /// - Parameter wrap: puts something between the VMs and the bus, such as a fault.
    public init(
        seed: UInt64, mistake: Mistake? = nil, wrap: @escaping @Sendable (InProcessBus) -> any MessageBus = { $0 }
    ) {
        self.random = SeededGenerator(seed: seed)
        self.mistake = mistake
        self.wrap = wrap
        self.epoch = Epoch.beginning(at: clock.now)
        self.log = InProcessBus(retention: retention, clock: clock.wallClock)
        self.bus = wrap(log)
    }

    /// Runs so many steps and then lets everybody finish.
    ///
    /// - Returns: what was broken.
    public mutating func run(steps: Int) async throws -> [DeliveryChecker.Violation] {
        for index in 0..<3 { try await addVM(index) }
        let head = try await head()
        for index in 0..<5 {
            let name = "reader \(index)"
            readers.append(Reader(name: name, vm: index % 3, cursor: head))
            checker.begin(name, after: head)
        }
        for _ in 0..<steps { try await step() }
        try await finish()
        return checker.violations()
    }

    private mutating func step() async throws {
        switch Int.random(in: 0..<100, using: &random) {
        case 0..<25: try await publish()
        case 25..<32: try await publishAgain()
        case 32..<62:
            try await pull(Int.random(in: 0..<vms.count, using: &random), Int.random(in: 1...12, using: &random))
        case 62..<85: read(Int.random(in: 0..<readers.count, using: &random), Int.random(in: 1...10, using: &random))
        case 85..<90: readers[Int.random(in: 0..<readers.count, using: &random)].vm = nil
        case 90..<95: comeBack(Int.random(in: 0..<readers.count, using: &random))
        case 95..<97: try await crash(Int.random(in: 0..<vms.count, using: &random))
        case 97..<99: clock.advance(milliseconds: Int64.random(in: 1...8_000, using: &random))
        default: if Int.random(in: 0..<10, using: &random) == 0 { try await loseBus() }
        }
    }

    private mutating func finish() async throws {
        while !unacknowledged.isEmpty { try await publishAgain(isLast: true) }
        for index in vms.indices { while try await pull(index, 1000) {} }
        for index in readers.indices {
            if readers[index].vm == nil { comeBack(index) }
            while read(index, 1000) {}
        }
    }
}

// Publishers.
extension LogSimulation {
    private mutating func publish() async throws {
        let bodies = (0..<Int.random(in: 1...4, using: &random)).map { _ in
            published += 1
            return "alert \(published)"
        }
        for body in bodies { checker.attempt(body) }
        try await send(bodies, mayLoseAcknowledgement: true)
    }

    /// Publishes what was not acknowledged again, within the four minutes that a key surely holds.
    private mutating func publishAgain(isLast: Bool = false) async throws {
        guard let next = unacknowledged.first else { return }
        unacknowledged.removeFirst()
        guard clock.now.milliseconds - next.since.milliseconds < 240_000 else { return }
        try await send([next.body], mayLoseAcknowledgement: !isLast, since: next.since)
    }

    private mutating func send(_ bodies: [String], mayLoseAcknowledgement: Bool, since: WallTime? = nil) async throws {
        let receipts = try await bus.publish(bodies.map { BusConformance.draft($0, key: $0, at: clock.now) })
        if mayLoseAcknowledgement && Int.random(in: 0..<5, using: &random) == 0 {
            unacknowledged += bodies.map { ($0, since ?? clock.now) }
            return
        }
        for (body, receipt) in zip(bodies, receipts) { checker.acknowledge(body, at: receipt.position) }
    }
}

// VMs.
extension LogSimulation {
    private mutating func addVM(_ index: Int) async throws {
        boots += 1
        let identity = BusConformance.vm("vm-\(index)", boot: "boot-\(boots)")
        let subscription = try await bus.subscribe(identity, tail: retention.count)
        let vm = VM(
            identity: identity, subscription: subscription, cursor: subscription.start,
            ring: LogTail(after: subscription.start, retention: retention))
        if index < vms.count { vms[index] = vm } else { vms.append(vm) }
        checker.begin(identity.boot, after: subscription.start)
    }

    /// The log's end.
    private func head() async throws -> Position {
        try await log.subscribe(BusConformance.vm("probe"), tail: 0).head
    }

    /// A VM takes alerts from the bus into its ring. It asks only where there is something, since waiting would stop the simulation.
    @discardableResult
    private mutating func pull(_ index: Int, _ limit: Int) async throws -> Bool {
        guard try await vms[index].cursor < head(), let delivery = try await vms[index].subscription.next(limit: limit)
        else {
            return false
        }
        switch delivery {
        case .alerts(let alerts):
            for alert in alerts {
                checker.see(vms[index].identity.boot, alert.position, alert.draft.content.message)
                vms[index].ring.append(alert, now: clock.now)
                vms[index].cursor = max(vms[index].cursor, alert.position)
            }
        case .lost(let loss):
            checker.tellLoss(vms[index].identity.boot, resumesAfter: loss.resumesAfter)
            vms[index].ring.restart(after: loss.resumesAfter)
            vms[index].cursor = loss.resumesAfter
        case .away, .back: break
        }
        return true
    }

    /// A VM crashes; its readers are cut off, and it is back with the same id before its predecessor has noticed.
    private mutating func crash(_ index: Int) async throws {
        let zombie = vms[index].subscription
        // What the old boot had not been handed is not owed to it any more.
        checker.tellLoss(vms[index].identity.boot, resumesAfter: Position(epoch: .max, offset: .max))
        for reader in readers.indices where readers[reader].vm == index { readers[reader].vm = nil }
        try await addVM(index)
        try await zombie.delete()
        guard try await bus.vms().contains(where: { $0.boot == vms[index].identity.boot }) else {
            throw ConformanceFailure("a zombie deleted its successor")
        }
    }

    /// The bus loses all that it held, as the in-process bus does with its process.
    private mutating func loseBus() async throws {
        let lastEpoch = epoch
        epoch = mistake == .constantEpoch ? lastEpoch : Epoch.beginning(at: clock.now, after: lastEpoch)
        log = InProcessBus(
            retention: retention, clock: clock.wallClock, after: mistake == .constantEpoch ? lastEpoch - 1 : lastEpoch)
        bus = wrap(log)
        epoch = max(epoch, try await head().epoch)
        unacknowledged.removeAll()
        for index in vms.indices {
            checker.tellLoss(vms[index].identity.boot, resumesAfter: Position(epoch: .max, offset: .max))
            for reader in readers.indices where readers[reader].vm == index { readers[reader].vm = nil }
            try await addVM(index)
        }
    }
}

// Readers.
extension LogSimulation {
    /// A reader takes what its VM's ring has after its cursor.
    @discardableResult
    private mutating func read(_ index: Int, _ limit: Int) -> Bool {
        guard let vm = readers[index].vm else { return false }
        let ring = vms[vm].ring
        if !ring.covers(readers[index].cursor) && readers[index].cursor < ring.head { reset(index, to: ring.floor) }
        let alerts = ring.entries(after: readers[index].cursor).prefix(limit)
        for alert in alerts {
            checker.see(readers[index].name, alert.position, alert.draft.content.message)
            readers[index].cursor = alert.position
        }
        return !alerts.isEmpty
    }

    /// A reader connects to any VM with its cursor.
    private mutating func comeBack(_ index: Int) {
        guard readers[index].vm == nil else { return }
        let vm = Int.random(in: 0..<vms.count, using: &random)
        readers[index].vm = vm
        let ring = vms[vm].ring
        if mistake == .noResume {
            readers[index].cursor = max(readers[index].cursor, ring.head)
        } else if readers[index].cursor < ring.floor {
            reset(index, to: ring.floor)
        }
    }

    private mutating func reset(_ index: Int, to position: Position) {
        readers[index].cursor = position
        if mistake != .silentReset { checker.tellLoss(readers[index].name, resumesAfter: position) }
    }
}
