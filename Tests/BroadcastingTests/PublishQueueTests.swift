import CoreMetrics
import CrierTesting
import Logging
import MessageBus
import NIOConcurrencyHelpers
import Synchronization
import Testing

@testable import Broadcasting

/// A mark that any thread can make.
final class Flag: Sendable {
    private let raised = Atomic(false)
    var isRaised: Bool { raised.load(ordering: .acquiring) }
    func raise() { raised.store(true, ordering: .releasing) }
}

/// An in-process bus that holds publishing up until it is told to go on, and counts batches.
final class GatedBus: MessageBus {
    private let bus = InProcessBus()
    private let failure: BusError?
    private let gate = Gate()
    private let batches = NIOLockedValueBox<[Int]>([])

    /// - Parameter failure: what comes of publishing, where it is to fail.
    init(failure: BusError? = nil) { self.failure = failure }

    var batchSizes: [Int] { batches.withLockedValue { $0 } }
    func goOn() { gate.open() }

    func publish(_ drafts: [Draft]) async throws(BusError) -> [Receipt] {
        batches.withLockedValue { $0.append(drafts.count) }
        await gate.wait()
        if let failure { throw failure }
        return try await bus.publish(drafts)
    }

    func subscribe(_ vm: VMIdentity, tail: Int) async throws(BusError) -> any Subscription {
        try await bus.subscribe(vm, tail: tail)
    }

    func vms() async throws(BusError) -> [VMRecord] { try await bus.vms() }
}

/// A bus whose answers lack the last receipt.
private struct ForgetfulBus: MessageBus {
    private let bus = InProcessBus()

    func publish(_ drafts: [Draft]) async throws(BusError) -> [Receipt] { try await bus.publish(drafts).dropLast() }

    func subscribe(_ vm: VMIdentity, tail: Int) async throws(BusError) -> any Subscription {
        try await bus.subscribe(vm, tail: tail)
    }

    func vms() async throws(BusError) -> [VMRecord] { try await bus.vms() }
}

struct PublishQueueTests {
    private static func draft(_ text: String, key: String? = nil) -> Draft {
        Draft(
            topic: Topic("a")!, content: AlertContent(message: text), time: WallTime(seconds: 1_800_000_000),
            sender: nil,
            region: "here", key: key)
    }

    @Test("A lone alert goes at once; what comes while it is in flight makes one batch, in order")
    func batches() async throws {
        try await withQueue { queue, bus in
            async let first = queue.publish(Self.draft("0"))
            try await eventually("a batch in flight") { bus.batchSizes == [1] }
            let rest = (1...50).map { Self.draft("\($0)") }
            async let others = queue.publish(rest)
            try await eventually("50 waiting") { queue.waiting == 50 }
            bus.goOn()
            let receipts = try await [first] + others
            #expect(receipts.map(\.position.offset) == Array(1...51))
            #expect(bus.batchSizes == [1, 50])
        }
    }

    @Test("A full queue refuses the newest with a time to wait, and what waits is published")
    func full() async throws {
        try await withQueue(capacity: 3) { queue, bus in
            async let first = queue.publish(Self.draft("first"))
            try await eventually("a batch in flight") { bus.batchSizes == [1] }
            async let waiting = queue.publish((0..<3).map { Self.draft("\($0)") })
            try await eventually("3 waiting") { queue.waiting == 3 }
            await #expect(throws: BusError(.queueFull, "3 alerts wait to be published already", retryAfter: 1)) {
                try await queue.publish(Self.draft("one too many"))
            }
            bus.goOn()
            _ = try await first
            #expect(try await waiting.count == 3)
        }
    }

    @Test("What there is not room for together is refused together")
    func wholeOrders() async throws {
        try await withQueue(capacity: 3) { queue, bus in
            async let first = queue.publish(Self.draft("first"))
            try await eventually("a batch in flight") { bus.batchSizes == [1] }
            await #expect(throws: BusError(.queueFull, "3 alerts wait to be published already", retryAfter: 1)) {
                try await queue.publish((0..<4).map { Self.draft("\($0)") })
            }
            #expect(queue.waiting == 0)
            bus.goOn()
            #expect(try await first.position.offset == 1)
            #expect(try await queue.publish([Draft]()).isEmpty)
            #expect(bus.batchSizes == [1])
        }
    }

    @Test("A queue that ends while the bus is away tries it once, and refuses the rest at once")
    func closingWithoutBus() async throws {
        let away = BusError(.unavailable, "the bus is away", retryAfter: 1)
        let bus = GatedBus(failure: away)
        let queue = PublishQueue(bus: bus, batch: 2, metrics: NOOPMetricsHandler.instance)
        try await withThrowingTaskGroup(of: Void.self) { group in
            defer {
                bus.goOn()
                queue.close()
            }
            group.addTask { await queue.run() }
            for number in 0..<7 {
                group.addTask {
                    await #expect(throws: away) { try await queue.publish(Self.draft("\(number)")) }
                }
            }
            try await eventually("one batch in flight") {
                bus.batchSizes.count == 1 && bus.batchSizes[0] + queue.waiting == 7
            }
            queue.close()
            bus.goOn()
            try await group.waitForAll()
            #expect(bus.batchSizes.count == 1)
        }
    }

    @Test("A bus that does not answer for every alert has failed for all of them")
    func missingReceipts() async throws {
        try await withQueue(on: ForgetfulBus()) { queue in
            let drafts = (0..<3).map { Self.draft("\($0)") }
            await #expect(throws: BusError(.backend, "2 receipts for 3 alerts", retryAfter: 1)) {
                try await queue.publish(drafts)
            }
        }
    }

    @Test("A closed queue finishes what it has and takes nothing more")
    func closed() async throws {
        try await withQueue { queue, bus in
            async let first = queue.publish(Self.draft("first"))
            try await eventually("a batch in flight") { bus.batchSizes == [1] }
            queue.close()
            await #expect(throws: BusError.self) { try await queue.publish(Self.draft("late")) }
            bus.goOn()
            #expect(try await first.position.offset == 1)
            await queue.finished()
        }
    }

    @Test("Delayed alerts are raised when they are due, in order, with the time of raising")
    func delayed() async throws {
        let clock = VirtualClock()
        let bus = InProcessBus(clock: clock.wallClock)
        let queue = PublishQueue(bus: bus, metrics: NOOPMetricsHandler.instance)
        let delayed = DelayedAlerts(
            queue: queue, capacity: 3, clock: clock.wallClock,
            logger: Logger(label: "tests") { _ in SwiftLogNoOpLogHandler() })
        let subscription = try await bus.subscribe(VMIdentity(id: "vm", region: "here", boot: "b")!, tail: 0)
        let start = clock.now
        func schedule(_ text: String, after seconds: Int64, key: String? = nil) -> DelayedAlerts.Outcome {
            delayed.schedule(Self.draft(text, key: key), due: start.advanced(byMilliseconds: seconds * 1000))
        }
        #expect(
            schedule("second", after: 20) == .scheduled(due: WallTime(seconds: start.seconds + 20), isDuplicate: false))
        #expect(
            schedule("first", after: 10, key: "k")
                == .scheduled(due: WallTime(seconds: start.seconds + 10), isDuplicate: false))
        #expect(
            schedule("again", after: 99, key: "k")
                == .scheduled(due: WallTime(seconds: start.seconds + 10), isDuplicate: true))
        #expect(
            schedule("third", after: 30) == .scheduled(due: WallTime(seconds: start.seconds + 30), isDuplicate: false))
        #expect(schedule("fourth", after: 40) == .full)
        clock.advance(milliseconds: 25_000)
        try await withThrowingTaskGroup(of: Void.self) { group in
            // Where something is thrown, too: the group waits for the queue's end.
            defer { queue.close() }
            group.addTask { await queue.run() }
            group.addTask { await delayed.run() }
            var texts: [String] = []
            while texts.count < 2, case .alerts(let alerts)? = try await subscription.next(limit: 10) {
                texts += alerts.map(\.draft.content.message)
                for alert in alerts { #expect(alert.time == clock.now) }
            }
            #expect(texts == ["first", "second"])
            #expect(delayed.count == 1)
            queue.close()
            group.cancelAll()
        }
    }
}
