import CrierTesting
import Foundation

// The end of every run.
extension World {
    /// Lets every VM leave and looks for what is left behind.
    ///
    /// - Parameter descriptors: how many file descriptors each VM had before readers came.
    func endInOrder(descriptors: [String: Int]) async throws {
        for vm in vms where await !vm.isRunning {
            fail("\(vm.id) ended by itself: \(await vm.process?.output ?? "")")
        }
        try await expect("every VM's subscription, and no other, on the bus", within: .seconds(40)) {
            guard let witness = self.vms.last else { return false }
            let names = try? await self.subscriptions(toldBy: witness)
            return names?.sorted() == self.vms.map(\.subscription).sorted()
        }
        for vm in vms {
            guard let before = descriptors[vm.id] else { continue }
            try await expect("\(vm.id)'s \(before) descriptors of its beginning", within: .seconds(15)) {
                (await vm.descriptors() ?? 0) <= before + Self.strayDescriptors
            }
        }
        for vm in vms.dropLast() {
            await vm.signal(SIGTERM)
            let status = try await vm.end(within: .seconds(drainSeconds + 10))
            if status != 0 { fail("\(vm.id) ended with status \(status ?? -1) after SIGTERM") }
        }
        if let last = vms.last {
            // On a bus whose VMs tell each other who is there, a word takes its time.
            try await expect("only \(last.id)'s subscription on the bus", within: .seconds(5)) {
                (try? await self.subscriptions(toldBy: last)) == [last.subscription]
            }
            await last.signal(SIGTERM)
            let status = try await last.end(within: .seconds(drainSeconds + 10))
            if status != 0 { fail("\(last.id) ended with status \(status ?? -1) after SIGTERM") }
        }
        let left = try await bus.subscriptions()
        if !left.isEmpty { fail("\(left) are left on the bus") }
    }

    /// So many descriptors come and go: a connection to the bus more, a request of the run itself.
    private static let strayDescriptors = 4
}
