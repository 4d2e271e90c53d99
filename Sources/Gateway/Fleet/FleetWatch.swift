import Broadcasting
import MessageBus
import NIOConcurrencyHelpers
import NIOCore

/// Keeps up with which VMs there are, so that whoever needs to know need not ask the bus.
///
/// Isolation: any.
final class FleetWatch: Sendable {
    /// How often the bus is asked.
    private static let interval = Duration.seconds(2)
    /// How long an answer counts while the bus gives no other. After that only this VM is known to be there.
    static let patience = TimeAmount.seconds(60)

    private struct Answer {
        let fleet: Fleet
        let time: NIODeadline
    }

    private let own: @Sendable () -> Fleet.VM
    private let ask: @Sendable () async throws(BusError) -> [VMRecord]
    private let now: @Sendable () -> NIODeadline
    private let answer = NIOLockedValueBox<Answer?>(nil)

    /// - Parameters:
    ///   - own: this VM as it is now.
    ///   - ask: asks the bus.
    init(
        own: @escaping @Sendable () -> Fleet.VM, now: @escaping @Sendable () -> NIODeadline = { .now() },
        ask: @escaping @Sendable () async throws(BusError) -> [VMRecord]
    ) {
        self.own = own
        self.now = now
        self.ask = ask
    }

    convenience init(_ hub: Hub) {
        self.init(
            own: { Fleet.VM(id: hub.vm.id, region: hub.vm.region, sockets: hub.currentStatus.sockets) },
            ask: { () async throws(BusError) in try await hub.vms(reporting: false) })
    }

    /// The VMs, as far as is known.
    var current: Fleet {
        if let answer = answer.withLockedValue({ $0 }), now() - answer.time <= Self.patience { return answer.fleet }
        return Fleet(own: own(), records: [])
    }

    /// Asks again and again until the task is cancelled.
    func run() async {
        repeat { await refresh() } while (try? await ContinuousClock().sleep(for: Self.interval)) != nil
    }

    /// Asks once. What was known stays where the bus does not answer.
    func refresh() async {
        do throws(BusError) {
            let records = try await ask()
            let fleet = Fleet(own: own(), records: records)
            let time = now()
            answer.withLockedValue { $0 = Answer(fleet: fleet, time: time) }
        } catch {
            // The hub says that the bus is away.
        }
    }
}
