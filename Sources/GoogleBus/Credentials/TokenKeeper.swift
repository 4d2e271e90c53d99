import Logging
import MessageBus
import NIOConcurrencyHelpers

/// The access token that calls are made with: what `TokenCache` decides, carried out. Callers share one fetch.
///
/// Fetches run in a task of their own, which no caller's cancellation ends, and which `shutdown` does.
final class TokenKeeper: Sendable {
    private struct State {
        var cache = TokenCache()
        var waiting: [UInt64: CheckedContinuation<Void, Never>] = [:]
        var lastWaiter: UInt64 = 0
        var fetch: Task<Void, Never>?
        var hasFailed = false
        var hasEnded = false
    }

    /// How many may wait for a fetch; more are refused.
    private static let maxWaiting = 10_000

    private let state = NIOLockedValueBox(State())
    private let source: any TokenSource
    private let clock: WallClock
    private let logger: Logger

    init(_ source: any TokenSource, clock: WallClock, logger: Logger) {
        self.source = source
        self.clock = clock
        self.logger = logger
    }

    /// A token that is valid now, where there is one already.
    func tokenAtHand() -> AccessToken? {
        guard case .use(let token) = decide() else { return nil }
        return token
    }

    /// A token that is valid now; waits for one where there is none. The wait ends with the task's cancellation.
    func token() async throws(PubSubError) -> AccessToken {
        while true {
            guard !Task.isCancelled else { throw .cancelled(outcomeUnknown: false) }
            switch decide() {
            case .use(let token): return token
            case .fail(let error): throw error
            case .wait:
                guard await fetchEnded() else {
                    throw PubSubError(.unavailable, "too many calls wait for an access token")
                }
            }
        }
    }

    /// The other side does not accept this token.
    ///
    /// - Returns: whether it is worth asking for another one.
    func refused(_ token: AccessToken) -> Bool {
        let now = clock.now()
        return state.withLockedValue { $0.cache.refused(token, now: now) }
    }

    /// Ends a fetch that is under way; whoever waits, or comes later, gets `.closed`.
    func shutdown() async {
        let (fetch, waiting) = state.withLockedValue { state in
            state.hasEnded = true
            defer { state.waiting = [:] }
            return (state.fetch, state.waiting.values)
        }
        fetch?.cancel()
        for continuation in waiting { continuation.resume() }
        await fetch?.value
    }

    private func decide() -> TokenCache.Answer {
        let now = clock.now()
        return state.withLockedValue { state in
            guard !state.hasEnded else { return .fail(.shutDown) }
            let decision = state.cache.decide(now: now)
            if decision.startsFetch { state.fetch = Task { await self.fetch(startedAt: now) } }
            return decision.answer
        }
    }

    private func fetch(startedAt: WallTime) async {
        let result: Result<AccessToken, PubSubError>
        do throws(PubSubError) {
            result = .success(try await source.fetch())
        } catch {
            result = .failure(error)
        }
        let now = clock.now()
        let (waiting, hadFailed, hasEnded) = state.withLockedValue { state in
            state.cache.finish(result, startedAt: startedAt, now: now)
            state.fetch = nil
            let hadFailed = state.hasFailed
            if case .failure = result { state.hasFailed = true } else { state.hasFailed = false }
            defer { state.waiting = [:] }
            return (state.waiting.values, hadFailed, state.hasEnded)
        }
        for continuation in waiting { continuation.resume() }
        if !hasEnded { log(result, hadFailed: hadFailed) }
    }

    /// Only what changes: it may last for a day.
    private func log(_ result: Result<AccessToken, PubSubError>, hadFailed: Bool) {
        switch result {
        case .success: if hadFailed { logger.notice("Google gives access tokens again") }
        case .failure(let error):
            if !hadFailed { logger.warning("no access token from Google", metadata: ["error": "\(error)"]) }
        }
    }

    /// - Returns: `false` where too many wait already.
    private func fetchEnded() async -> Bool {
        let waiter = state.withLockedValue { state in
            state.lastWaiter &+= 1
            return state.lastWaiter
        }
        let isFull = NIOLockedValueBox(false)
        await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                let waits = state.withLockedValue { state in
                    // Cancelled before it is registered, nobody would wake it.
                    guard state.cache.isFetching, !state.hasEnded, !Task.isCancelled else { return false }
                    guard state.waiting.count < Self.maxWaiting else {
                        isFull.withLockedValue { $0 = true }
                        return false
                    }
                    state.waiting[waiter] = continuation
                    return true
                }
                if !waits { continuation.resume() }
            }
        } onCancel: {
            state.withLockedValue { $0.waiting.removeValue(forKey: waiter) }?.resume()
        }
        return !isFull.withLockedValue { $0 }
    }
}
