/// A VM's cursor in the log of an `InProcessBus`.
final class InProcessSubscription: Subscription {
    private let bus: InProcessBus
    private let vm: VMIdentity
    let start: Position
    let head: Position

    init(bus: InProcessBus, vm: VMIdentity, start: Position, head: Position) {
        self.bus = bus
        self.vm = vm
        self.start = start
        self.head = head
    }

    var name: SubscriptionName { vm.subscription }

    func next(limit: Int) async throws(BusError) -> Delivery? {
        while true {
            switch bus.read(vm, limit: limit) {
            case .delivery(let delivery): return delivery
            case .ended: return nil
            case .upToDate:
                if Task.isCancelled { return nil }
                await bus.wait(vm)
            }
        }
    }

    func report(_ load: VMLoad) async { bus.report(load, of: vm) }

    func delete() async throws(BusError) { bus.delete(vm) }
}
