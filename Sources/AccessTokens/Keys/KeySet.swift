import Logging
import MessageBus
import NIOConcurrencyHelpers

/// The issuer's keys: what `KeyCache` decides, carried out. Askers share one fetch.
final class KeySet: Sendable {
    private struct State {
        var cache = KeyCache()
        var waiting: [CheckedContinuation<Void, Never>] = []
        var hasEnded = false
    }

    /// How many may wait for a fetch; more are answered as if it had failed.
    private static let maxWaiting = 10_000

    private let state = NIOLockedValueBox(State())
    private let source: any KeySource
    private let algorithms: Set<SigningAlgorithm>
    private let clock: WallClock
    private let logger: Logger
    /// One element starts a fetch. There is never more than one, since a fetch is started only when none is under way.
    private let (fetches, starter) = AsyncStream<Void>.makeStream(bufferingPolicy: .bufferingNewest(1))

    init(_ source: any KeySource, allowing algorithms: Set<SigningAlgorithm>, clock: WallClock, logger: Logger) {
        self.source = source
        self.algorithms = algorithms
        self.clock = clock
        self.logger = logger
    }

    /// Fetches keys when they are asked for, until the task is cancelled; then nobody waits any more. To be called once.
    func run() async {
        for await _ in fetches { await fetch() }
        resume { $0.hasEnded = true }
    }

    /// The key that a token asks for; waits for a fetch where one is needed.
    func key(for query: KeyQuery) async throws(TokenError) -> VerificationKey {
        if let answer = decide(query, hasWaited: false) { return try answer.get() }
        await fetchEnded()
        // Who has waited gets an answer.
        guard let answer = decide(query, hasWaited: true) else { throw .issuerUnreachable(retryAfter: 1) }
        return try answer.get()
    }

    private func decide(_ query: KeyQuery, hasWaited: Bool) -> Result<VerificationKey, TokenError>? {
        let now = clock.now()
        let decision = state.withLockedValue { $0.cache.decide(query, now: now, hasWaited: hasWaited) }
        if decision.startsFetch { starter.yield() }
        return decision.answer
    }

    private func fetchEnded() async {
        await withCheckedContinuation { continuation in
            let waits = state.withLockedValue { state in
                guard state.cache.isFetching, !state.hasEnded, state.waiting.count < Self.maxWaiting else {
                    return false
                }
                state.waiting.append(continuation)
                return true
            }
            if !waits { continuation.resume() }
        }
    }

    private func fetch() async {
        let result = await fetched()
        let now = clock.now()
        var wasAway = false
        resume { state in
            wasAway = state.cache.failedAt != nil
            state.cache.finish(result, now: now)
        }
        log(result, wasAway: wasAway)
    }

    /// Only what changes: an issuer may be away for a day.
    private func log(_ result: Result<(keys: KeyIndex, maxAge: Int64?), KeySourceError>, wasAway: Bool) {
        switch result {
        case .success(let (keys, _)):
            if keys.count == 0 { logger.warning("the issuer has no key that can be used") }
            if wasAway { logger.notice("the issuer's keys are to be had again", metadata: ["count": "\(keys.count)"]) }
        case .failure(let error):
            if !wasAway { logger.warning("the issuer's keys are not to be had", metadata: ["error": "\(error)"]) }
        }
    }

    private func fetched() async -> Result<(keys: KeyIndex, maxAge: Int64?), KeySourceError> {
        do throws(KeySourceError) {
            let document = try await source.fetch()
            return .success((try await KeyIndex(document.bytes, allowing: algorithms), document.maxAge))
        } catch {
            return .failure(error)
        }
    }

    /// Changes the state and lets go all who wait.
    private func resume(_ change: (inout State) -> Void) {
        let waiting = state.withLockedValue { state in
            change(&state)
            defer { state.waiting = [] }
            return state.waiting
        }
        for continuation in waiting { continuation.resume() }
    }
}
