import MessageBus

@testable import GoogleBus

/// Several VMs' buses on one topic as one bus: publishers come to the VMs in turn, and each subscription is on a VM of its own.
struct Deployment: MessageBus {
    let buses: [SharedLogBus<GoogleLogStore>]

    func publish(_ drafts: [Draft]) async throws(BusError) -> [Receipt] {
        // Repetitions come to other VMs than what they repeat.
        try await buses[Int.random(in: 0..<buses.count)].publish(drafts)
    }

    func subscribe(_ vm: VMIdentity, tail: Int) async throws(BusError) -> any Subscription {
        let number = vm.id.split(separator: "-").last.flatMap { Int($0) } ?? 0
        return try await buses[number % buses.count].subscribe(vm, tail: tail)
    }

    func vms() async throws(BusError) -> [VMRecord] { try await buses[0].vms() }
}
