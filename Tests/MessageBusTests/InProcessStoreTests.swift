import CrierTesting
import MessageBus
import Testing

/// The in-process store against the contract of `SharedStore`, and what is its own.
struct InProcessStoreTests {
    private let clock = VirtualClock()
    private let sessions = StoreCollection("sessions")!

    private func subject(_ wrap: (any SharedStore) -> any SharedStore = { $0 }) -> StoreUnderTest {
        let store = wrap(InProcessStore(clock: clock.wallClock))
        return StoreUnderTest(store: store, other: store, stranger: InProcessStore(clock: clock.wallClock)) {
            [clock] in clock.advance(milliseconds: $0)
        }
    }

    private func name(_ key: String) throws -> StoreName { try #require(StoreName(sessions, key)) }

    @Test("The in-process store keeps the contract", arguments: SharedStoreConformance.all)
    func conforms(_ check: SharedStoreConformance) async throws { try await check.run(on: subject()) }

    /// Each fault breaks the contract; a suite that lets one pass proves nothing.
    @Test("The suite finds every fault", arguments: FaultyStore.Fault.allCases)
    func findsFault(_ fault: FaultyStore.Fault) async throws {
        for check in SharedStoreConformance.all {
            do { try await check.run(on: subject { FaultyStore($0, fault: fault) }) } catch { return }
        }
        Issue.record("no check fails on a store that \(fault.rawValue)")
    }

    @Test("With the machine's clock, entries expire as well")
    func expiresByItself() async throws {
        let store = InProcessStore()
        try await store.set(try name("a"), [1], lasting: .milliseconds(50))
        try await eventually("the end of an entry") {
            try await store.value(of: try name("a")) == nil
        }
    }

    @Test(
        "Names with other characters, or of another length, are none",
        arguments: [
            "", "a b", "a/b", "a:b", "a.b", "a\0b", "a\nb", "é", "a{b}", "*", "'; --", "%", "\u{FF41}",
            String(repeating: "k", count: 129),
        ])
    func refusesNames(_ key: String) throws {
        #expect(StoreName(sessions, key) == nil)
        #expect(StoreCollection(key) == nil)
    }

    @Test("Collections are small letters only", arguments: ["A", "a1", "a-b", "a_b", "abcdefghijklmnopq"])
    func refusesCollections(_ text: String) { #expect(StoreCollection(text) == nil) }

    @Test("Where the store is full, newcomers are refused until there is room; what is there can be replaced")
    func refusesPastEntries() async throws {
        let store = InProcessStore(capacity: .init(entries: 3), clock: clock.wallClock)
        for (key, seconds) in [("a", 10), ("b", 1), ("c", 10)] {
            try await store.set(try name(key), [1], lasting: .seconds(seconds))
        }
        let failure = await #expect(throws: BusError.self) {
            try await store.set(try name("d"), [1], lasting: .seconds(1))
        }
        #expect(failure?.code == .queueFull && failure?.retryAfter != nil)
        try await store.set(try name("a"), [2], lasting: .seconds(10))
        #expect(try await store.entries(of: sessions, limit: 9).map(\.name.key) == ["a", "b", "c"])
        clock.advance(milliseconds: 1_000)
        try await store.set(try name("d"), [1], lasting: .seconds(10))
        #expect(try await store.remove(try name("c")))
        try await store.set(try name("e"), [1], lasting: .seconds(10))
        #expect(try await store.entries(of: sessions, limit: 9).map(\.name.key) == ["a", "d", "e"])
    }

    @Test("The bytes are bounded too, and a refused value leaves what was there")
    func refusesPastBytes() async throws {
        let store = InProcessStore(capacity: .init(bytes: 100), clock: clock.wallClock)
        try await store.set(try name("a"), Array(repeating: 1, count: 60), lasting: .seconds(9))
        let failure = await #expect(throws: BusError.self) {
            try await store.set(try name("b"), Array(repeating: 2, count: 60), lasting: .seconds(9))
        }
        #expect(failure?.code == .queueFull)
        await #expect(throws: BusError.self) {
            try await store.set(try name("a"), Array(repeating: 2, count: 100), lasting: .seconds(9))
        }
        #expect(try await store.value(of: try name("a")) == Array(repeating: 1, count: 60))
        try await store.set(try name("a"), Array(repeating: 2, count: 99), lasting: .seconds(9))
        #expect(try await store.remove(try name("a")))
        try await store.set(try name("b"), Array(repeating: 2, count: 99), lasting: .seconds(9))
    }
}
