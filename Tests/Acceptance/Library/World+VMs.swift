import CrierTesting
import Foundation

// Faults of VMs.
extension World {
    /// Kills a random VM every 10 seconds, each restarted with its id.
    func killVMs(until end: ContinuousClock.Instant) async throws {
        let pause: Duration = scale.isShort ? .seconds(4) : .seconds(10)
        while ContinuousClock.now + pause < end {
            try await ContinuousClock().sleep(for: pause)
            guard let vm = vms.randomElement() else { return }
            try await vm.kill()
            try await vm.start()
        }
    }

    /// Lets every VM leave and come back, one after the other, twice.
    func deployTwice() async throws {
        for _ in 1...2 {
            for vm in vms {
                let before = try await readers.places(on: vm.id)
                await vm.signal(SIGTERM)
                if let witness = other(than: vm) {
                    var isGone = false
                    // Asked while the drain goes on: the subscription is deleted before it begins.
                    while await vm.isRunning, !isGone {
                        let names = try? await subscriptions(toldBy: witness)
                        isGone = names.map { !$0.contains(vm.subscription) } ?? false
                        try await ContinuousClock().sleep(for: .milliseconds(50))
                    }
                    if !isGone, !before.isEmpty {
                        fail("\(vm.subscription) was still on the bus when the drain had ended")
                    }
                }
                let status = try await vm.end(within: .seconds(drainSeconds + 10))
                if status != 0 { fail("\(vm.id) ended with status \(status ?? -1) after SIGTERM") }
                try await checkSpread(of: vm, since: before)
                try await vm.start()
            }
        }
    }

    /// Whether the ends of a leaving VM's connections were spread over its drain window.
    private func checkSpread(of vm: TestVM, since places: [String: Int]) async throws {
        let ends = try await readers.each { reader -> ContinuousClock.Instant? in
            guard let place = places[reader.name] else { return nil }
            for case .disconnected(_, let time) in reader.log.entries.dropFirst(place) { return time }
            return nil
        }.compactMap(\.self)
        guard ends.count >= 10, let first = ends.min(), let last = ends.max() else { return }
        let width = Duration.seconds(drainSeconds)
        // Few readers are let go one at each step, and are gone sooner.
        if last - first < min(width / 2, .milliseconds(20) * ends.count) {
            fail("the \(ends.count) readers of \(vm.id) were let go within \(last - first), not over \(width)")
        }
        for end in ends {
            let together = ends.count { $0 >= end && $0 < end + width / 10 }
            if together > max(8, ends.count * 2 / 5) {
                fail("\(together) of \(ends.count) readers of \(vm.id) were let go at once")
                return
            }
        }
    }

    /// Stops a VM for longer than its lease while a successor of the same id takes its place, then lets it go on. Where there is time, stops another
    /// without a successor.
    func raiseZombies() async throws {
        guard let vm = vms.randomElement(), let witness = other(than: vm) else { return }
        await vm.signal(SIGSTOP)
        try await ContinuousClock().sleep(for: Self.lease + .seconds(1))
        guard let zombie = try await vm.startSuccessor() else { return }
        zombie.send(SIGCONT)
        do {
            let status = try await zombie.end(within: .seconds(20))
            if status != 1 { fail("the zombie of \(vm.id) ended with status \(status)") }
        } catch {
            fail("the zombie of \(vm.id) goes on")
            zombie.send(SIGKILL)
        }
        // Whatever it did to the bus, it did by now.
        if try await !subscriptions(toldBy: witness).contains(vm.subscription) {
            fail("the zombie of \(vm.id) took its successor's subscription away")
        }
        guard !scale.isShort else { return }
        await witness.signal(SIGSTOP)
        try await ContinuousClock().sleep(for: Self.lease + .seconds(4))
        await witness.signal(SIGCONT)
        try await expect("\(witness.subscription) on the bus again", within: .seconds(15)) {
            try await self.subscriptions(toldBy: vm).contains(witness.subscription)
        }
    }

    /// How long a VM may be silent before another may take its subscription away.
    static let lease = Duration.seconds(15)
}
