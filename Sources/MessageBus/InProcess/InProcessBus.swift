import NIOConcurrencyHelpers

/// The bus inside one process: the default, with nothing to install, for one VM.
///
/// Its log lives in memory with the retention given, so it ends with the process: the next process begins a new epoch, and readers
/// that come back with an older cursor get a reset.
///
/// A lock guards the log; publishing and reading are short and never wait under it.
public final class InProcessBus: MessageBus {
    private let state: NIOLockedValueBox<InProcessLog>
    private let clock: WallClock

    /// A bus whose log begins now. Use `open` where another process may have served before.
    public init(retention: Retention = .init(), clock: WallClock = .system, after previousEpoch: UInt64 = 0) {
        let epoch = Epoch.beginning(at: clock.now(), after: previousEpoch)
        self.state = NIOLockedValueBox(InProcessLog(epoch: epoch, retention: retention))
        self.clock = clock
    }

    /// A bus whose epoch no earlier process can have used: waits for the end of the epoch's tick, at most a tenth of a second.
    public static func open(retention: Retention = .init()) async throws -> InProcessBus {
        let bus = InProcessBus(retention: retention)
        let now = WallClock.system.now()
        let wait = Epoch.end(ofTickAt: now).milliseconds - now.milliseconds
        try await ContinuousClock().sleep(for: .milliseconds(wait))
        return bus
    }

    public func publish(_ drafts: [Draft]) async throws(BusError) -> [Receipt] {
        let now = clock.now()
        let (receipts, waiting) = state.withLockedValue { log in
            (log.append(drafts, now: now), log.takeReadyWaiters())
        }
        for waiter in waiting { waiter.resume() }
        return receipts
    }

    public func subscribe(_ vm: VMIdentity, tail: Int) async throws(BusError) -> any Subscription {
        let now = clock.now()
        let (cursors, superseded) = state.withLockedValue { log in
            let superseded = log.takeWaiter(of: vm.subscription)
            return (log.subscribe(vm, tail: tail, now: now), superseded)
        }
        superseded?.resume()
        return InProcessSubscription(bus: self, vm: vm, start: cursors.start, head: cursors.head)
    }

    public func vms() async throws(BusError) -> [VMRecord] {
        state.withLockedValue { $0.records }
    }

    /// One step of a subscription: what it reads now, or that it has to wait.
    func read(_ vm: VMIdentity, limit: Int) -> InProcessLog.Reading {
        state.withLockedValue { $0.read(vm, limit: limit) }
    }

    /// Waits until there may be something to read for `vm`. Returns at once where the log has moved on meanwhile.
    func wait(_ vm: VMIdentity) async {
        await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                let mayRead = state.withLockedValue { log in
                    if Task.isCancelled || !log.isWaiting(vm) { return true }
                    log.setWaiter(continuation, of: vm)
                    return false
                }
                if mayRead { continuation.resume() }
            }
        } onCancel: {
            let waiter = state.withLockedValue { $0.takeWaiter(of: vm) }
            waiter?.resume()
        }
    }

    func report(_ load: VMLoad, of vm: VMIdentity) {
        let now = clock.now()
        state.withLockedValue { $0.report(load, of: vm, now: now) }
    }

    func delete(_ vm: VMIdentity) {
        let waiter = state.withLockedValue { $0.delete(vm) }
        waiter?.resume()
    }
}
