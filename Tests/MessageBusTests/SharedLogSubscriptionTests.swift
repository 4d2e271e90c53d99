import CrierTesting
import Logging
import NIOConcurrencyHelpers
import Testing

@testable import MessageBus

/// What a subscription does when its backend is in trouble.
struct SharedLogSubscriptionTests {
    private let store = ModelLogStore()
    private let bus: SharedLogBus<ModelLogStore>

    init() {
        var timing = LogTiming()
        timing.probing = .zero
        bus = Self.bus(on: store, timing)
    }

    private static func bus(
        on store: ModelLogStore, _ timing: LogTiming = LogTiming()
    ) -> SharedLogBus<ModelLogStore> {
        SharedLogBus(store: store, timing: timing, logger: Logger(label: "tests") { _ in SwiftLogNoOpLogHandler() })
    }

    private func subscribe() async throws -> any Subscription {
        try await bus.subscribe(try #require(VMIdentity(id: "vm", region: "here", boot: "boot")), tail: 0)
    }

    private func publish(_ text: String, by bus: SharedLogBus<ModelLogStore>) async throws {
        let draft = Draft(
            topic: Topic("t")!, content: AlertContent(message: text), time: WallClock.system.now(), sender: nil,
            region: "here", key: text)
        _ = try await bus.publish([draft])
    }

    /// The next delivery, in words; fails where none comes in time. Meanwhile `also` is done again and again.
    private func next(
        _ subscription: any Subscription, also: @escaping @Sendable () async throws -> Void = {}
    ) async throws -> String {
        let isOver = NIOLockedValueBox(false)
        return try await withThrowingTaskGroup(of: String?.self) { group in
            group.addTask {
                defer { isOver.withLockedValue { $0 = true } }
                return switch try await subscription.next(limit: 100) {
                case .alerts(let alerts): alerts.map(\.draft.content.message).joined(separator: ", ")
                case .lost(let loss): "lost: \(loss.cause.rawValue)"
                case .away: "away"
                case .back: "back"
                case nil: "end"
                }
            }
            group.addTask {
                while !isOver.withLockedValue({ $0 }) {
                    try await also()
                    try await ContinuousClock().sleep(for: .milliseconds(5))
                }
                return nil
            }
            group.addTask {
                try await ContinuousClock().sleep(for: .patience)
                return "nothing in time"
            }
            defer { group.cancelAll() }
            while let outcome = try await group.next() { if let outcome { return outcome } }
            return "nothing"
        }
    }

    private func report(_ subscription: any Subscription) async {
        await subscription.report(VMLoad(sockets: 0, position: subscription.start))
    }

    @Test("A bus that is away and comes back is said to be, and nothing is missing")
    func away() async throws {
        let subscription = try await subscribe()
        try await publish("one", by: bus)
        #expect(try await next(subscription) == "one")
        store.set(.away, true)
        #expect(try await next(subscription) == "away")
        await #expect(throws: BusError.self) { try await publish("refused", by: bus) }
        store.set(.away, false)
        try await publish("two", by: bus)
        #expect(try await next(subscription) == "back")
        #expect(try await next(subscription) == "two")
    }

    @Test("A bus that is connected and carries nothing is found by the word that a VM sends itself")
    func deaf() async throws {
        let subscription = try await subscribe()
        store.set(.deaf, true)
        #expect(try await next(subscription) { await report(subscription) } == "away")
        store.set(.deaf, false)
        #expect(try await next(subscription) == "back")
    }

    @Test("A log that goes on and is not read is found, though the VM hears itself")
    func blind() async throws {
        let subscription = try await subscribe()
        store.set(.blind, true)
        try await publish("unseen", by: bus)
        #expect(try await next(subscription) { await report(subscription) } == "away")
        store.set(.blind, false)
        #expect(try await next(subscription) == "back")
        #expect(try await next(subscription) == "unseen")
    }

    @Test("What the backend lost is healed when it takes alerts again, if it does not at first")
    func owed() async throws {
        let subscription = try await subscribe()
        try await publish("kept", by: bus)
        try await publish("lost", by: bus)
        #expect(try await next(subscription) == "kept, lost")
        store.crash(losing: 1)
        store.set(.full, true)
        #expect(try await next(subscription) == "away")
        #expect(try await next(subscription) == "back")
        store.set(.full, false)
        await report(subscription)
        let newcomer = try await Self.bus(on: store).subscribe(
            try #require(VMIdentity(id: "late", region: "here", boot: "boot")), tail: 0)
        try await publish("new", by: bus)
        #expect(try await next(subscription) == "lost, new")
        #expect(try await next(newcomer) == "new", "it was healed before the newcomer came")
    }

    @Test("A subscription whose name another boot has ends")
    func taken() async throws {
        let subscription = try await subscribe()
        store.set(.taken, true)
        #expect(try await next(subscription) { await report(subscription) } == "end")
    }
}
