public import CoreMetrics
import DequeModule
public import MessageBus
import NIOConcurrencyHelpers
import NIOCore

/// Takes what all sockets and requests of the VM publish to the bus.
///
/// While one batch is in flight, what comes next gathers into the following one; a lone alert goes at once. Order of acceptance is
/// order of publishing. Bounded by `capacity` waiting alerts; overflow policy: the newest is refused with `.queueFull`.
///
/// Event loops publish through a `PublishLane` each, which costs a fraction of a call for each alert.
public final class PublishQueue: Sendable {
    public typealias Outcome = Result<Receipt, BusError>

    /// Who is told what became of an order's alerts.
    enum Reply: Sendable {
        /// Called once, on any thread.
        case call(@Sendable ([Outcome]) -> Void)
        /// Told on its event loop, once for all that a batch has for it.
        case lane(NIOLoopBound<PublishLane>, ObjectIdentifier)
    }

    /// Alerts that came together: they go into one batch and are answered together.
    private struct Order {
        let drafts: [Draft]
        let reply: Reply
    }

    private struct State {
        var orders: Deque<Order> = []
        /// Alerts in `orders`.
        var waiting = 0
        var isClosed = false
        var worker: CheckedContinuation<Void, Never>?

        /// The next orders, of `limit` alerts together, or the next one alone where it has more.
        mutating func takeOrders(upTo limit: Int) -> [Order] {
            var taken: [Order] = []
            var count = 0
            while let next = orders.first, taken.isEmpty || count + next.drafts.count <= limit {
                taken.append(next)
                count += next.drafts.count
                orders.removeFirst()
            }
            waiting -= count
            return taken
        }
    }

    /// So many alerts are a full batch. One has more only where more came in one order.
    let batch: Int
    private let bus: any MessageBus
    private let state = NIOLockedValueBox(State())
    private let capacity: Int
    private let published: CoreMetrics.Timer
    private let end = Gate()

    public init(bus: any MessageBus, capacity: Int = 10_000, batch: Int = 256, metrics: any MetricsFactory) {
        self.bus = bus
        self.capacity = capacity
        self.batch = batch
        self.published = CoreMetrics.Timer(label: "crier_publish_seconds", factory: metrics)
    }

    /// What the queue's metric means, for the exporter's `# HELP` line.
    public static let help = [("crier_publish_seconds", "Time that the bus took to accept a batch.")]

    /// Alerts that wait for the batch in flight.
    var waiting: Int { state.withLockedValue { $0.waiting } }

    /// Publishes and waits for the bus's word.
    public func publish(_ draft: Draft) async throws(BusError) -> Receipt {
        try await outcomes(of: [draft])[0].get()
    }

    /// Publishes several, in order, and waits for the bus's word on all of them.
    ///
    /// - Throws: `.queueFull` where there is not room for all, and then none is published.
    public func publish(_ drafts: [Draft]) async throws(BusError) -> [Receipt] {
        if drafts.isEmpty { return [] }
        var receipts: [Receipt] = []
        receipts.reserveCapacity(drafts.count)
        for outcome in await outcomes(of: drafts) { receipts.append(try outcome.get()) }
        return receipts
    }

    private func outcomes(of drafts: [Draft]) async -> [Outcome] {
        await withCheckedContinuation { continuation in
            let (_, refusal) = take(drafts, inPart: false, reply: .call { continuation.resume(returning: $0) })
            if let refusal {
                continuation.resume(returning: Array(repeating: .failure(refusal), count: drafts.count))
            }
        }
    }

    /// Publishes until `close` and the last waiting alert.
    public func run() async {
        defer { end.open() }
        let clock = ContinuousClock()
        var absence: BusError?
        while let orders = await nextBatch() {
            let drafts = orders.count == 1 ? orders[0].drafts : orders.flatMap(\.drafts)
            if let absence {
                Self.answer(orders, Array(repeating: .failure(absence), count: drafts.count))
                continue
            }
            let began = clock.now
            let outcomes = await outcomes(ofPublishing: drafts)
            published.recordNanoseconds((clock.now - began).nanoseconds)
            Self.answer(orders, outcomes)
            if case .failure(let error)? = outcomes.first, error.code == .unavailable, isClosed { absence = error }
        }
    }

    /// Takes no more in. `run` ends once everything that waits is published; or refused, where the bus is away: a VM that leaves has not the time to
    /// try that with every batch.
    public func close() {
        let worker = state.withLockedValue { state in
            state.isClosed = true
            defer { state.worker = nil }
            return state.worker
        }
        worker?.resume()
    }

    private var isClosed: Bool { state.withLockedValue { $0.isClosed } }

    /// Waits until `run` has ended.
    public func finished() async { await end.wait() }
}

extension PublishQueue {
    /// Takes an order in.
    ///
    /// - Parameter inPart: whether the first of the drafts are taken where there is not room for all; otherwise none is.
    /// - Returns: how many were taken, which `reply` is told of, and why the rest was not.
    func take(_ drafts: [Draft], inPart: Bool, reply: Reply) -> (taken: Int, refusal: BusError?) {
        let (taken, refusal, worker) = state.withLockedValue {
            state -> (Int, BusError?, CheckedContinuation<Void, Never>?) in
            if state.isClosed { return (0, BusError(.closed, "this VM is leaving", retryAfter: 1), nil) }
            let room = max(0, capacity - state.waiting)
            let taken = drafts.count <= room ? drafts.count : inPart ? room : 0
            if taken > 0 {
                let drafts = taken == drafts.count ? drafts : Array(drafts.prefix(taken))
                state.orders.append(Order(drafts: drafts, reply: reply))
                state.waiting += taken
            }
            let refusal =
                taken < drafts.count
                ? BusError(.queueFull, "\(capacity) alerts wait to be published already", retryAfter: 1) : nil
            defer { state.worker = nil }
            return (taken, refusal, state.worker)
        }
        worker?.resume()
        return (taken, refusal)
    }

    /// What the bus says: one outcome for each draft, whatever it says.
    private func outcomes(ofPublishing drafts: [Draft]) async -> [Outcome] {
        do throws(BusError) {
            let receipts = try await bus.publish(drafts)
            guard receipts.count == drafts.count else {
                throw BusError(.backend, "\(receipts.count) receipts for \(drafts.count) alerts", retryAfter: 1)
            }
            return receipts.map { .success($0) }
        } catch {
            return Array(repeating: .failure(error), count: drafts.count)
        }
    }

    private func nextBatch() async -> [Order]? {
        while true {
            let (orders, isClosed) = state.withLockedValue { ($0.takeOrders(upTo: batch), $0.isClosed) }
            if !orders.isEmpty { return orders }
            if isClosed { return nil }
            await withCheckedContinuation { continuation in
                let hasWork = state.withLockedValue { state in
                    if !state.orders.isEmpty || state.isClosed { return true }
                    state.worker = continuation
                    return false
                }
                if hasWork { continuation.resume() }
            }
        }
    }

    /// Tells everyone what became of their alerts: one hop for each lane, whatever number of orders it has in the batch.
    private static func answer(_ orders: [Order], _ outcomes: [Outcome]) {
        var lanes: [(lane: NIOLoopBound<PublishLane>, id: ObjectIdentifier, outcomes: [Outcome])] = []
        var rest = outcomes[...]
        for order in orders {
            let own = rest.prefix(order.drafts.count)
            rest = rest.dropFirst(order.drafts.count)
            switch order.reply {
            case .call(let call): call(Array(own))
            case .lane(let lane, let id):
                if let index = lanes.firstIndex(where: { $0.id == id }) {
                    lanes[index].outcomes += own
                } else {
                    lanes.append((lane, id, Array(own)))
                }
            }
        }
        for (lane, _, outcomes) in lanes { lane.eventLoop.execute { lane.value.answer(outcomes) } }
    }
}

extension Duration {
    var nanoseconds: Int64 {
        let (seconds, attoseconds) = components
        return seconds.multipliedReportingOverflow(by: 1_000_000_000).partialValue &+ attoseconds / 1_000_000_000
    }
}
