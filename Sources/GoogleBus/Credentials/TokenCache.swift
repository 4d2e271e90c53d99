import MessageBus

/// The access token that is held, and when to ask for another, as a value: time comes in, decisions come out.
///
/// - A new token is fetched in the background of use once three quarters of the old one's life have passed, or all but five minutes, whichever
///   comes first. The old one is used meanwhile.
/// - Without a valid token whoever asks waits for the fetch. One fetch is under way at a time.
/// - After a failure nothing is fetched for a while, which grows and is random, so that many VMs do not come back at once; whoever asks without a
///   valid token gets that failure.
struct TokenCache: Sendable {
    /// All times here are in milliseconds.
    static let renewalMargin: Int64 = 300_000
    /// A token that was refused makes room for another no more often than this.
    static let refusalInterval: Int64 = 30_000
    private static let firstDelay = 1_000.0
    private static let longestDelay = 4_000.0
    /// For failures that last until someone changes something.
    private static let longestLastingDelay = 30_000.0

    enum Answer: Sendable, Equatable {
        case use(AccessToken)
        /// To be asked again when the fetch that is under way has ended.
        case wait
        case fail(PubSubError)
    }

    struct Decision: Sendable, Equatable {
        let answer: Answer
        /// A fetch has to be started; its result comes to `finish`.
        var startsFetch = false
    }

    private struct Held {
        let token: AccessToken
        let since: WallTime

        /// Whether this much of its life is over. By a clock that was set back nothing is known, and it is.
        private func hasLived(_ milliseconds: Int64, at now: WallTime) -> Bool {
            now < since || now >= since.advanced(byMilliseconds: milliseconds)
        }

        /// Up to a little before its end: what asks with it takes a while to arrive.
        func isValid(at now: WallTime) -> Bool {
            !hasLived(token.lifetime - min(token.lifetime / 10, 10_000), at: now)
        }

        func isAgeing(at now: WallTime) -> Bool {
            let renewal = min(token.lifetime / 4 * 3, token.lifetime - TokenCache.renewalMargin)
            // What lives for minutes only would otherwise be renewed with every use.
            return hasLived(max(renewal, min(token.lifetime / 2, 30_000)), at: now)
        }
    }

    private var held: Held?
    private(set) var isFetching = false
    private var failures = 0
    private var failure: (at: WallTime, until: WallTime, error: PubSubError)?
    private var refusedAt: WallTime?

    mutating func decide(now: WallTime) -> Decision {
        if let held, held.isValid(at: now) {
            let starts = held.isAgeing(at: now) && failure(at: now) == nil && !isFetching
            if starts { isFetching = true }
            return Decision(answer: .use(held.token), startsFetch: starts)
        }
        if isFetching { return Decision(answer: .wait) }
        if let failure = failure(at: now) { return Decision(answer: .fail(failure)) }
        isFetching = true
        return Decision(answer: .wait, startsFetch: true)
    }

    /// The fetch that was started has ended.
    ///
    /// - Parameters:
    ///   - startedAt: when it was started, from which the token's life counts.
    ///   - chance: from 0 to 1, random in the product.
    mutating func finish(
        _ result: Result<AccessToken, PubSubError>, startedAt: WallTime, now: WallTime,
        chance: Double = .random(in: 0...1)
    ) {
        isFetching = false
        switch result {
        case .success(let token):
            held = Held(token: token, since: startedAt)
            failures = 0
            failure = nil
        case .failure(let error):
            let longest = error.isTransient ? Self.longestDelay : Self.longestLastingDelay
            let highest = min(longest, Self.firstDelay * Double(1 << min(failures, 8)))
            failures += 1
            let delay = highest / 4 + highest * 3 / 4 * chance
            failure = (now, now.advanced(byMilliseconds: Int64(delay)), error)
        }
    }

    /// The other side does not accept this token.
    ///
    /// - Returns: whether it is worth asking for another one.
    mutating func refused(_ token: AccessToken, now: WallTime) -> Bool {
        guard held?.token == token else { return true }
        if let refusedAt, now >= refusedAt, now < refusedAt.advanced(byMilliseconds: Self.refusalInterval) {
            return false
        }
        held = nil
        refusedAt = now
        return true
    }

    /// A failure in the future, by a clock that was set back, is long ago.
    private func failure(at now: WallTime) -> PubSubError? {
        guard let failure, now >= failure.at, now < failure.until else { return nil }
        return failure.error
    }
}
