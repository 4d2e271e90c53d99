import NIOCore
import Reactor

/// Carries a load plan out: connects, publishes, measures.
struct LoadRun {
    /// Without a new socket for so long, opening has failed.
    private static let openingPatience = Duration.seconds(15)
    /// How long the last alerts may take to come.
    private static let drainPatience = Duration.seconds(10)
    private static let warmUp = Duration.seconds(1)

    private let plan: LoadPlan
    private let loops: ReactorLoopGroup
    private let failure = FirstFailure()
    private let ledger: Ledger

    /// - Parameter loops: as many as the plan has threads.
    init(_ plan: LoadPlan, on loops: ReactorLoopGroup) {
        self.plan = plan
        self.loops = loops
        ledger = Ledger(loops: loops.loops.count)
    }

    func run() async throws -> LoadReport {
        try SystemLimits.makeRoom(forSockets: plan.sockets)
        var servers: [LoadServer] = []
        for url in plan.servers { servers.append(try await LoadServer(url).reached(from: loops.loops[0])) }

        let probe = ServerProbe(plan.servers)
        do {
            let report = try await measure(servers, probe)
            try await probe.close()
            return report
        } catch {
            try? await probe.close()
            throw error
        }
    }

    private func measure(_ servers: [LoadServer], _ probe: ServerProbe) async throws -> LoadReport {
        let before = try await probe.read()
        let publisher = try await makePublisher()
        let groups = try await makeGroups(servers, publisher)
        let began = NIODeadline.now()
        let lastOpened = try await open(groups)
        let idle = try await probe.read()
        try await open(publisher, to: servers)

        try await publisher.value { $0.start() }
        try await run(groups, for: Self.warmUp, isShown: false)
        let startUsage = try await probe.read()
        let start = try await snapshots(groups) { $0.forgetLatencies() }
        let measuring = NIODeadline.now()
        try await run(groups, for: .seconds(plan.seconds), isShown: true)
        let endUsage = try await probe.read()
        let end = try await snapshots(groups)
        let elapsed = NIODeadline.now() - measuring
        try await publisher.value { $0.stop() }
        let last = try await drain(groups)

        return LoadReport(
            plan: plan, counts: last.counts, missing: last.missing, published: Int(ledger.standing.published),
            deliveries: end.counts.deliveries - start.counts.deliveries, reads: end.counts.reads - start.counts.reads,
            elapsed: elapsed.seconds, connecting: (lastOpened - began).seconds,
            serverCPU: startUsage.flatMap { start in endUsage.map { $0.cpuSeconds - start.cpuSeconds } },
            toolShares: zip(start.cpuSeconds, end.cpuSeconds).map { ($1 - $0) / elapsed.seconds },
            idleBytes: before.flatMap { before in
                idle.map { ($0.residentBytes - before.residentBytes) / Double(plan.sockets) }
            },
            latencies: last.latencies)
    }

    // MARK: On the loops

    private typealias Publisher = LoopBound<LoadPublisher>
    private typealias Group = LoopBound<ReaderGroup>

    private func makePublisher() async throws -> Publisher {
        let loop = loops.loops[0]
        let (plan, ledger, failure) = (plan, ledger, failure)
        return try await Publisher.make(on: loop) { LoadPublisher(plan, run, ledger, failure, on: loop) }
    }

    private func makeGroups(_ servers: [LoadServer], _ publisher: Publisher) async throws -> [Group] {
        var groups: [Group] = []
        let (plan, ledger, failure) = (plan, ledger, failure)
        for (place, loop) in loops.loops.enumerated() {
            groups.append(
                try await Group.make(on: loop) {
                    ReaderGroup(plan, servers, run, ledger, failure, on: loop, place: place) {
                        publisher.whenThere { $0.step() }
                    }
                })
        }
        return groups
    }

    /// - Returns: when the last one was open.
    private func open(_ groups: [Group]) async throws -> NIODeadline {
        for group in groups { try await group.value { $0.open() } }
        var opened = 0
        var deadline = ContinuousClock.now + Self.openingPatience
        while true {
            let all = try await snapshots(groups)
            if all.counts.opened > opened {
                opened = all.counts.opened
                deadline = .now + Self.openingPatience
                StandardStreams.progress("sockets", opened, of: plan.sockets)
            }
            if opened == plan.sockets { return all.lastOpened }
            if .now > deadline {
                throw LoadFailure(
                    description: "\(opened) of \(plan.sockets) sockets are open, and for "
                        + "\(Self.openingPatience.components.seconds) s no other has been")
            }
            try await pause(.milliseconds(20))
        }
    }

    private func open(_ publisher: Publisher, to servers: [LoadServer]) async throws {
        try await publisher.value { $0.open(to: servers) }
        let deadline = ContinuousClock.now + Self.openingPatience
        while try await publisher.value({ $0.opened }) < servers.count {
            if .now > deadline { throw LoadFailure(description: "the socket that publishes was not opened in time") }
            try await pause(.milliseconds(5))
        }
    }

    /// Lets the loops work for so long.
    private func run(_ groups: [Group], for duration: Duration, isShown: Bool) async throws {
        let end = ContinuousClock.now + duration
        var shown = 0
        var deliveries = isShown ? try await snapshots(groups).counts.deliveries : 0
        while .now < end {
            try await pause(min(.seconds(1), end - .now))
            guard isShown else { continue }
            let all = try await snapshots(groups).counts
            shown += 1
            show(all.deliveries - deliveries, atSecond: min(shown, plan.seconds))
            deliveries = all.deliveries
            if all.closed == plan.sockets {
                throw LoadFailure(description: "all sockets are closed: " + all.complaints.joined(separator: ", "))
            }
        }
    }

    private func show(_ deliveries: Int, atSecond second: Int) {
        let figure = "\(deliveries)"
        // Of one width, so that a terminal's line is overwritten whole.
        let blanks = String(repeating: " ", count: max(0, 9 - figure.count))
        StandardStreams.progress("\(blanks)\(figure) deliveries/s, seconds", second, of: plan.seconds)
    }

    /// Waits until every reader has every alert, or no longer than is sensible.
    private func drain(_ groups: [Group]) async throws -> Totals {
        let end = ContinuousClock.now + Self.drainPatience
        while true {
            let standing = ledger.standing
            if standing.finished >= standing.published || .now > end { return try await snapshots(groups) }
            try await pause(.milliseconds(2))
        }
    }

    private func pause(_ duration: Duration) async throws {
        try await ContinuousClock().sleep(for: duration)
        try failure.check()
    }

    /// The sum over the loops.
    private struct Totals {
        var counts = ReaderCounts()
        var latencies = Latencies()
        var missing = 0
        var cpuSeconds: [Double] = []
        var lastOpened = NIODeadline.distantPast
    }

    /// - Parameter then: done on each loop after its snapshot, before anything else comes.
    private func snapshots(
        _ groups: [Group], then: @escaping @Sendable (ReaderGroup) -> Void = { _ in }
    ) async throws -> Totals {
        var totals = Totals()
        for group in groups {
            let one = try await group.value { group in
                defer { then(group) }
                return group.snapshot()
            }
            totals.counts.add(one.counts)
            totals.latencies.add(one.latencies)
            totals.missing += one.missing
            totals.cpuSeconds.append(one.cpuSeconds)
            totals.lastOpened = max(totals.lastOpened, one.lastOpened)
        }
        return totals
    }

    private let run = LoadRunName.random()
}

extension TimeAmount {
    fileprivate var seconds: Double { Double(nanoseconds) / 1e9 }
}
