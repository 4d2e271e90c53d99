import CrierTesting
import Foundation

// Faults of the network, and of readers.
extension World {
    /// Cuts one VM off from the bus, then one from its readers, each by dropping and by resetting; then loses answers to publishers.
    func partition() async throws {
        let long: Duration = .seconds(15)
        let brief: Duration = scale.isShort ? .seconds(3) : long
        if let vm = vms.randomElement(), let back = vm.back {
            try await cutOff(vm, back, .drop, for: long)
            try await cutOff(vm, back, .reset, for: scale.isShort ? .seconds(6) : long)
        }
        for fault in [FaultProxy.Fault.drop, .reset] {
            guard let vm = vms.randomElement() else { return }
            await vm.front.set(fault)
            try await ContinuousClock().sleep(for: brief)
            await vm.front.set(.none)
            try await ContinuousClock().sleep(for: .seconds(2))
        }
        try await loseAnswers(until: .now + (scale.isShort ? .seconds(3) : .seconds(10)))
    }

    /// Publishers' requests arrive, and the answers are lost: each VM's in turn, again and again.
    func loseAnswers(until end: ContinuousClock.Instant) async throws {
        var turn = 0
        while ContinuousClock.now < end {
            let vm = vms[turn % vms.count]
            turn += 1
            await vm.front.set(.drop, .toClient)
            try await ContinuousClock().sleep(for: .milliseconds(300))
            await vm.front.resetConnections()
            await vm.front.set(.none)
        }
    }

    /// Cuts a VM off from the bus and watches what its readers and publishers are told.
    private func cutOff(_ vm: TestVM, _ back: FaultProxy, _ fault: FaultProxy.Fault, for length: Duration) async throws
    {
        let before = try await readers.places(on: vm.id)
        let start = ContinuousClock.now
        await back.set(fault)
        async let isRefused = refusesPublish(vm, until: start + length)
        try await expect("`stale` for the readers of \(vm.id)", within: min(length, .seconds(10))) {
            try await self.heard(since: before) { if case .stale = $0 { true } else { false } }
        }
        if try await !isRefused { fail("\(vm.id), cut off from the bus, did not answer 503 with Retry-After") }
        try await ContinuousClock().sleep(until: start + length)
        if try await heard(since: before, any: true, { if case .disconnected = $0 { true } else { false } }) {
            fail("readers of \(vm.id) were cut off because its bus was away")
        }
        await back.set(.none)
        try await expect("`live` for the readers of \(vm.id)", within: .seconds(15)) {
            try await self.heard(since: before) { if case .live = $0 { true } else { false } }
        }
    }

    /// Whether every reader, or any, of those with a count has had such an entry after it.
    private func heard(
        since places: [String: Int], any: Bool = false, _ isAwaited: @escaping @Sendable (ReaderLog.Entry) -> Bool
    ) async throws -> Bool {
        let answers = try await readers.each { reader in
            places[reader.name].map { reader.log.entries.dropFirst($0).contains(where: isAwaited) }
        }.compactMap(\.self)
        return any ? answers.contains(true) : answers.allSatisfy(\.self)
    }

    /// Whether publishing through the VM is refused as documented before the time is over.
    private func refusesPublish(_ vm: TestVM, until end: ContinuousClock.Instant) async throws -> Bool {
        let port = await vm.port
        let number = publishers.takeProbe()
        while ContinuousClock.now < end {
            if let connection = try? await RawConnection.connect(port: port) {
                let reply = try? await publishers.attempt(number, (connection, port))
                try await connection.close()
                if reply?.status == 503, reply?.header("Retry-After") != nil { return true }
                if reply?.status == 200 { return false }
            }
            try await ContinuousClock().sleep(for: .milliseconds(500))
        }
        return false
    }

    /// Two readers stop reading, until the VM has closed them.
    func stallReaders() async throws {
        guard let vm = vms.first, readers.count > 2 else { return }
        let stalled = 0..<2
        let port = await vm.port
        try await readers.each(in: stalled) {
            $0.leave()
        }
        try await eventually("the end of two readers' connections") {
            try await readers.each(in: stalled) { !$0.isSubscribed }.allSatisfy(\.self)
        }
        // Past the proxy, whose buffers would read on, and with small buffers of the system.
        try await readers.each(in: stalled) { $0.come(to: port, receiveBuffer: 16_384) }
        try await eventually("two readers on \(vm.id)") {
            try await readers.each(in: stalled) { $0.isSubscribed }.allSatisfy(\.self)
        }
        let sockets = try await metric("crier_sockets", of: vm)
        let before = try await readers.places(on: vm.id)
        try await readers.each(in: stalled) { $0.setReading(false) }
        // By its bound on what may wait for a reader, or before that by TCP's on what is not taken.
        try await expect("the end of two readers that do not read", within: .seconds(60)) {
            try await self.metric("crier_sockets", of: vm) <= sockets - 2
        }
        try await readers.each(in: stalled) { $0.setReading(true) }
        // Who was given up by TCP is told nothing, and finds out by the silence.
        try await expect("the two readers back", within: .seconds(60)) {
            try await self.readers.each(in: stalled) { reader in
                let entries = reader.log.entries.dropFirst(before[reader.name] ?? 0)
                return reader.isSubscribed && entries.contains { if case .disconnected = $0 { true } else { false } }
            }.allSatisfy(\.self)
        }
    }

    /// Keeps some readers away for longer than alerts are held.
    func holdOff(until end: ContinuousClock.Instant) async throws {
        let held = heldOff
        try await ContinuousClock().sleep(for: .seconds(2))
        try await readers.each(in: held) { $0.leave() }
        try await ContinuousClock().sleep(until: end - .seconds(3))
        try await readers.each(in: held) { $0.come() }
        try await expect("a reset for each reader that was held off", within: .seconds(20)) {
            try await self.readers.each(in: held) { !$0.log.resets.isEmpty }.allSatisfy(\.self)
        }
    }

    /// The readers that are kept away: one in ten.
    var heldOff: Range<Int> { 0..<max(1, readers.count / 10) }
}
