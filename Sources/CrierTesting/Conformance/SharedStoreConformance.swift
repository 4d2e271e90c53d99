public import MessageBus

/// A store that the suite examines, empty for each check.
public struct StoreUnderTest: Sendable {
    public let store: any SharedStore
    /// Another VM's way to the same store.
    public let other: any SharedStore
    /// The store of another deployment beside it.
    public let stranger: any SharedStore
    /// How long a check waits for what has to come.
    public let patience: Duration
    /// Lets time pass for the store; `nil` where it has the machine's clock.
    public let advance: (@Sendable (_ milliseconds: Int64) -> Void)?

    public init(
        store: any SharedStore, other: any SharedStore, stranger: any SharedStore, patience: Duration = .patience,
        advance: (@Sendable (_ milliseconds: Int64) -> Void)? = nil
    ) {
        self.store = store
        self.other = other
        self.stranger = stranger
        self.patience = patience
        self.advance = advance
    }
}

/// One check of the contract that `SharedStore` states. Every backend's tests run `all` against the real thing.
public struct SharedStoreConformance: Sendable, CustomStringConvertible {
    public let description: String
    private let check: @Sendable (StoreUnderTest) async throws -> Void

    init(_ description: String, _ check: @escaping @Sendable (StoreUnderTest) async throws -> Void) {
        self.description = description
        self.check = check
    }

    /// Carries the check out.
    ///
    /// - Throws: `ConformanceFailure`, `Overdue`, or what the store threw.
    public func run(on subject: StoreUnderTest) async throws { try await check(subject) }

    public static let all: [SharedStoreConformance] = values + time + listings + concurrency

    /// Long enough that no check sees its end.
    static let long = Duration.seconds(600)

    static let sessions = StoreCollection("sessions")!
    static let presence = StoreCollection("presence")!

    static func session(_ key: String) -> StoreName { StoreName(sessions, key)! }

    static func require(_ condition: Bool, _ message: @autoclosure () -> String) throws {
        if !condition { throw ConformanceFailure(message()) }
    }
}

extension StoreUnderTest {
    /// Waits until an entry is gone that was set or extended at `start` to last for `milliseconds`; it may not be gone before.
    func awaitExpiry(of name: StoreName, from start: ContinuousClock.Instant, after milliseconds: Int64) async throws {
        if let advance {
            advance(milliseconds - 1)
            guard try await store.value(of: name) != nil else { throw ConformanceFailure("\(name) expired too early") }
            advance(1)
            guard try await store.value(of: name) == nil else { throw ConformanceFailure("\(name) did not expire") }
            return
        }
        try await eventually("the end of \(name)", within: patience) { try await store.value(of: name) == nil }
        let time = ContinuousClock.now - start
        // Clocks may be adjusted meanwhile, and count in milliseconds.
        guard time >= .milliseconds(milliseconds - 10) else {
            throw ConformanceFailure("\(name) expired after \(time) in place of \(milliseconds) ms")
        }
    }

    /// All entries of a collection, page by page.
    func all(of collection: StoreCollection, pages limit: Int) async throws -> [StoreEntry] {
        var entries: [StoreEntry] = []
        while true {
            let page = try await store.entries(of: collection, after: entries.last?.name, limit: limit)
            guard page.count <= limit else { throw ConformanceFailure("\(page.count) entries for a limit of \(limit)") }
            entries += page
            if page.count < limit { return entries }
        }
    }
}
