import CrierTesting
import Foundation
import MessageBus

/// Carries runs out, on each bus one after the other, each with a bus server, VMs and readers of its own.
public struct AcceptanceRunner: Sendable {
    private let options: AcceptanceOptions
    private let progress = Progress()

    public init(_ options: AcceptanceOptions) { self.options = options }

    /// Carries out everything that was asked for, the buses side by side: most of a run is waiting.
    ///
    /// - Returns: one outcome for each run, by bus and in order; fewer where the task was cancelled.
    public func run() async -> [RunOutcome] {
        await withTaskGroup(of: (BusKind, [RunOutcome]).self) { group in
            for bus in options.buses { group.addTask { (bus, await run(on: bus)) } }
            let outcomes = await group.reduce(into: [:]) { $0[$1.0] = $1.1 }
            return options.buses.flatMap { outcomes[$0] ?? [] }
        }
    }

    private func run(on bus: BusKind) async -> [RunOutcome] {
        var outcomes: [RunOutcome] = []
        for fault in options.faults where !Task.isCancelled {
            if let reason = fault.absence(on: bus) {
                progress.say("\(bus.rawValue) \(fault.rawValue): not run: \(reason)")
            } else {
                outcomes.append(await run(fault, on: bus, control: nil))
            }
        }
        for control in Control.allCases where options.controls && control.exists(on: bus) && !Task.isCancelled {
            outcomes.append(await run(control.fault, on: bus, control: control))
        }
        return outcomes
    }

    private func run(_ fault: Fault, on bus: BusKind, control: Control?) async -> RunOutcome {
        let start = ContinuousClock.now
        let title = control?.title ?? fault.title(on: bus)
        var outcome = RunOutcome(bus: bus, title: title)
        outcome.expected = control?.finding
        let name = "\(bus.rawValue) \(control?.rawValue ?? fault.rawValue)"
        let logs = FileManager.default.temporaryDirectory.appending(path: "crier-acceptance-\(UUID().uuidString)")
        progress.say("\(name): \(title)")
        do {
            try FileManager.default.createDirectory(at: logs, withIntermediateDirectories: true)
            let world = try await makeWorld(fault, on: bus, control: control, logs: logs)
            let reporting = Task { try await report(world, name) }
            do {
                outcome.findings = try await carryOut(fault, control: control, in: world)
            } catch {
                world.fail("the run ended early: \(error)")
            }
            reporting.cancel()
            _ = await reporting.result
            progress.end(of: name)
            await Self.completely { await world.stop() }
            outcome.alerts = world.publishers.receipts.count
            outcome.retries = world.publishers.retries
            outcome.failures += world.failures
        } catch {
            outcome.failures.append("the run did not begin: \(error)")
        }
        outcome.seconds = Int((ContinuousClock.now - start).components.seconds)
        if outcome.isGood {
            try? FileManager.default.removeItem(at: logs)
        } else {
            for complaint in outcome.complaints { progress.say("  \(complaint)") }
            progress.say("  the VMs' logs are in \(logs.path)")
        }
        progress.say("\(name): \(outcome.isGood ? "good" : "BAD") after \(outcome.seconds) s")
        return outcome
    }

    private func makeWorld(_ fault: Fault, on kind: BusKind, control: Control?, logs: URL) async throws -> World {
        let bus = try await kind.start(fault == .lossyBusKill ? .everysec : .always)
        let count = kind == .memory ? 1 : options.vms
        let alerts = options.alerts ?? kind.alerts(isShort: options.isShort)
        var environment = fault.environment
        var executable = options.crier
        if let serverFault = control?.serverFault {
            environment["CRIER_FAULT"] = serverFault
            executable = options.faultyCrier ?? options.crier
        }
        let settings = TestVM.Settings(
            executable: executable, publicFolder: options.publicFolder, logs: logs,
            drainSeconds: options.drainSeconds, environment: environment)
        var vms: [TestVM] = []
        do {
            for number in 1...count {
                let vm = try await TestVM(number: number, bus: bus, settings: settings)
                vms.append(vm)
                try await vm.start()
            }
            let targets = ReaderTargets(vms.map(\.front.port))
            let readers = try await ReaderFleet(
                count: options.readers, resume: control != .resumeOff, targets: targets)
            let publishers = PublisherFleet(
                alerts: alerts, padding: fault.padding, targets: targets,
                run: UUID().uuidString)
            let seconds = max(
                alerts / max(1, options.rate ?? kind.rate), fault.minimumSeconds(isShort: options.isShort))
            return World(
                bus: bus, vms: vms, readers: readers, publishers: publishers, targets: targets,
                scale: World.Scale(
                    alerts: alerts, duration: .seconds(seconds), isShort: options.isShort),
                drainSeconds: options.drainSeconds)
        } catch {
            let started = vms
            await Self.completely {
                for vm in started { await vm.stop() }
                await bus.stop()
            }
            throw error
        }
    }

    /// Does something to its end, also where the run was cancelled.
    private static func completely(_ body: @escaping @Sendable () async -> Void) async {
        await Task { await body() }.value
    }

    private func carryOut(
        _ fault: Fault, control: Control?, in world: World
    ) async throws -> DeliveryAudit.Findings {
        var descriptors: [String: Int] = [:]
        for vm in world.vms { descriptors[vm.id] = await vm.descriptors() }
        try await world.readers.begin()
        if control == .sequencePolling { try await world.pollSequence() }
        let end = ContinuousClock.now + world.scale.duration
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask {
                try await world.publishers.publish(
                    over: world.scale.duration, publishers: control == .sequencePolling ? 128 : 32)
            }
            group.addTask { try await inject(control?.fault ?? fault, control: control, in: world, until: end) }
            let bound = world.scale.duration + .seconds(240)
            group.addTask {
                try await ContinuousClock().sleep(for: bound)
                throw ServerProcess.Failure("the run did not come to its end within \(bound)")
            }
            // Publishing and the fault; the first failure ends the other.
            for _ in 1...2 { try await group.next() }
            group.cancelAll()
        }
        await world.heal()
        await awaitReaders(world, isControl: control != nil)
        let epochs = try await world.readers.each { $0.epochs }.reduce(into: Set()) { $0.formUnion($1) }
        let held = fault.loses ? try await world.heldAlerts(epochs: epochs) : []
        let logs = try await world.readers.end()
        let findings = DeliveryAudit.check(
            alerts: world.publishers.alerts, attempted: world.publishers.attempted,
            receipts: world.publishers.receipts, held: held, logs: logs)
        checkResets(fault, logs, findings, in: world)
        try await world.endInOrder(descriptors: descriptors)
        return findings
    }

    private func inject(
        _ fault: Fault, control: Control?, in world: World, until end: ContinuousClock.Instant
    ) async throws {
        if control == .dedupeOff { return try await world.loseAnswers(until: end) }
        switch fault {
        case .vmKills: try await world.killVMs(until: end)
        case .rollingDeploy: try await world.deployTwice()
        case .zombie: try await world.raiseZombies()
        case .busKills: try await world.killBus(times: 5, until: end)
        case .lossyBusKill: try await world.killBus(times: world.scale.isShort ? 1 : 3, until: end)
        case .failover: try await world.failOver()
        case .partitions: try await world.partition()
        case .busTroubles: try await world.troubleBus(until: end)
        case .stalledReader: try await world.stallReaders()
        case .shortRetention: try await world.holdOff(until: end)
        case .distantRegions: try await world.moveAway(until: end)
        case .orderlyEnd: break
        }
    }

    /// Waits until every reader has everything, or was told that it will not get it; but not for ever.
    private func awaitReaders(_ world: World, isControl: Bool) async {
        let deadline = ContinuousClock.now + .seconds(isControl ? 10 : 60)
        let receipts = world.publishers.acknowledged
        while ContinuousClock.now < deadline, !Task.isCancelled {
            if (try? await world.readers.complete(receipts)) == world.readers.count { return }
            try? await ContinuousClock().sleep(for: .milliseconds(250))
        }
    }

    private func checkResets(
        _ fault: Fault, _ logs: [(reader: String, log: ReaderLog)], _ findings: DeliveryAudit.Findings, in world: World
    ) {
        let held = Set(world.readers.names[world.heldOff])
        for (reader, log) in logs {
            switch fault.resets {
            case .none: if let reset = log.resets.first { world.fail("\(reader) got a reset: \(reset)") }
            case .heldOff:
                if held.contains(reader) != !log.resets.isEmpty {
                    world.fail(
                        "\(reader) got \(log.resets.count) resets\(held.contains(reader) ? "" : ", and was here")")
                }
            case .any: break
            }
        }
        if findings.excused > 0, !fault.excuses {
            world.fail("\(findings.excused) alerts are missing, with a reset that says so")
        }
    }

    private func report(_ world: World, _ name: String) async throws {
        while !Task.isCancelled {
            let publishers = world.publishers
            let acknowledged = publishers.receipts.count
            progress.show(
                "\(acknowledged) of \(publishers.alerts) acknowledged, \(publishers.retries) repeated", of: name)
            try await ContinuousClock().sleep(for: .milliseconds(500))
        }
    }
}
