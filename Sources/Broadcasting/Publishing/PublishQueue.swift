public import CoreMetrics
public import MessageBus
import NIOConcurrencyHelpers

/// Takes what all sockets and requests of the VM publish to the bus.
///
/// While one batch is in flight, what comes next gathers into the following one; a lone alert goes at once. Order of acceptance is
/// order of publishing. Bounded by `capacity` waiting alerts; overflow policy: the newest is refused with `.queueFull`.
public final class PublishQueue: Sendable {
    public typealias Outcome = Result<Receipt, BusError>

    private struct Item {
        let draft: Draft
        let completion: @Sendable (Outcome) -> Void
    }

    private struct State {
        var items: [Item] = []
        var isClosed = false
        var worker: CheckedContinuation<Void, Never>?
    }

    private let bus: any MessageBus
    private let state = NIOLockedValueBox(State())
    private let capacity: Int
    private let batch: Int
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
    var waiting: Int { state.withLockedValue { $0.items.count } }

    /// Publishes and waits for the bus's word.
    public func publish(_ draft: Draft) async throws(BusError) -> Receipt {
        try await withCheckedContinuation { continuation in
            submit(draft) { continuation.resume(returning: $0) }
        }.get()
    }

    /// Publishes several, in order, and waits for the bus's word on each.
    public func publish(_ drafts: [Draft]) async throws(BusError) -> [Receipt] {
        let outcomes = await withCheckedContinuation { continuation in
            let gathering = Gathering<Outcome>(drafts.count) { continuation.resume(returning: $0) }
            for (index, draft) in drafts.enumerated() { submit(draft) { gathering.put($0, at: index) } }
        }
        var receipts: [Receipt] = []
        for outcome in outcomes { receipts.append(try outcome.get()) }
        return receipts
    }

    /// Publishes and calls back once with the bus's word, on any thread.
    public func submit(_ draft: Draft, completion: @escaping @Sendable (Outcome) -> Void) {
        let (refusal, worker) = state.withLockedValue { state -> (BusError?, CheckedContinuation<Void, Never>?) in
            if state.isClosed { return (BusError(.closed, "this VM is leaving", retryAfter: 1), nil) }
            if state.items.count >= capacity {
                return (BusError(.queueFull, "\(capacity) alerts wait to be published already", retryAfter: 1), nil)
            }
            state.items.append(Item(draft: draft, completion: completion))
            defer { state.worker = nil }
            return (nil, state.worker)
        }
        worker?.resume()
        if let refusal { completion(.failure(refusal)) }
    }

    /// Publishes until `close` and the last waiting alert.
    public func run() async {
        defer { end.open() }
        let clock = ContinuousClock()
        while let items = await nextBatch() {
            let began = clock.now
            let outcomes: [Outcome]
            do {
                outcomes = try await bus.publish(items.map(\.draft)).map { .success($0) }
            } catch {
                outcomes = items.map { _ in .failure(error) }
            }
            published.recordNanoseconds((clock.now - began).nanoseconds)
            for (item, outcome) in zip(items, outcomes) { item.completion(outcome) }
        }
    }

    /// Takes no more in. `run` ends once everything that waits is published.
    public func close() {
        let worker = state.withLockedValue { state in
            state.isClosed = true
            defer { state.worker = nil }
            return state.worker
        }
        worker?.resume()
    }

    /// Waits until `run` has ended.
    public func finished() async { await end.wait() }

    private func nextBatch() async -> [Item]? {
        while true {
            let (items, isClosed) = state.withLockedValue { state -> ([Item], Bool) in
                let items = Array(state.items.prefix(batch))
                state.items.removeFirst(items.count)
                return (items, state.isClosed)
            }
            if !items.isEmpty { return items }
            if isClosed { return nil }
            await withCheckedContinuation { continuation in
                let hasWork = state.withLockedValue { state in
                    if !state.items.isEmpty || state.isClosed { return true }
                    state.worker = continuation
                    return false
                }
                if hasWork { continuation.resume() }
            }
        }
    }
}

extension Duration {
    var nanoseconds: Int64 {
        let (seconds, attoseconds) = components
        return seconds.multipliedReportingOverflow(by: 1_000_000_000).partialValue &+ attoseconds / 1_000_000_000
    }
}
