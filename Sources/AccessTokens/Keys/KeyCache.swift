import MessageBus

/// What is known of the issuer's keys, and when to ask for them, as a value: time comes in, decisions come out.
///
/// - Keys are fetched when the first token asks for one. Those that are held are *fresh* for their lifetime; in its last fifth a new set is
///   fetched in the background.
/// - Once they are *old*, whoever asks first waits for new ones. Where the issuer is away, old keys stay valid for 24 hours, nobody waits,
///   and fetching is tried again every 5 seconds as long as tokens come.
/// - A key that is not among them makes a fetch of its own, at most one every 30 seconds.
struct KeyCache: Sendable {
    /// Where the answer does not say how long it may be kept, in milliseconds like all times here.
    static let defaultLifetime: Int64 = 600_000
    static let lifetimes: ClosedRange<Int64> = 60_000...86_400_000
    /// How long keys stay valid that have become old while the issuer was away.
    static let patience: Int64 = 86_400_000
    static let retryInterval: Int64 = 5_000
    static let unknownKeyInterval: Int64 = 30_000

    struct Decision {
        /// `nil`: to be asked again when the fetch that is under way has ended.
        let answer: Result<VerificationKey, TokenError>?
        /// A fetch has to be started; its result comes to `finish`.
        var startsFetch = false
    }

    private struct Held {
        let keys: KeyIndex
        let fetchedAt: WallTime
        let lifetime: Int64
    }

    private enum Age { case fresh, ageing, old }

    private var held: Held?
    private(set) var isFetching = false
    /// When the last fetch failed; `nil` where it did not.
    private(set) var failedAt: WallTime?
    private var askedForUnknownAt: WallTime?

    /// - Parameter hasWaited: the asker has waited for a fetch already, and waits for no other.
    mutating func decide(_ query: KeyQuery, now: WallTime, hasWaited: Bool) -> Decision {
        guard let held, let age = age(of: held, at: now) else {
            let starts = !hasWaited && beginFetch(now)
            return isFetching && !hasWaited ? wait(starts) : answer(.failure(unreachable(now)), starts)
        }
        var starts = false
        switch age {
        case .fresh: break
        case .ageing: starts = beginFetch(now)
        case .old:
            starts = beginFetch(now)
            if failedAt == nil, !hasWaited { return wait(starts) }
        }
        switch held.keys.find(query) {
        case .found(let key): return answer(.success(key), starts)
        case .otherAlgorithm: return answer(.failure(.algorithmNotAllowed), starts)
        case .unknown:
            if hasWaited { return answer(.failure(unknown(now)), starts) }
            if isFetching { return wait(starts) }
            guard hasPassed(Self.unknownKeyInterval, since: askedForUnknownAt, at: now), beginFetch(now) else {
                return answer(.failure(unknown(now)), false)
            }
            askedForUnknownAt = now
            return wait(true)
        }
    }

    /// The fetch that was started has ended.
    ///
    /// - Parameter maxAge: how long the keys may be kept, in seconds; held within `lifetimes`.
    mutating func finish(_ result: Result<(keys: KeyIndex, maxAge: Int64?), KeySourceError>, now: WallTime) {
        isFetching = false
        switch result {
        case .success(let (keys, maxAge)):
            let asked = maxAge.map { WallTime(seconds: $0).milliseconds } ?? Self.defaultLifetime
            let lifetime = min(max(asked, Self.lifetimes.lowerBound), Self.lifetimes.upperBound)
            held = Held(keys: keys, fetchedAt: now, lifetime: lifetime)
            failedAt = nil
        case .failure: failedAt = now
        }
    }

    /// - Returns: `nil` where they are too old to be of use. Keys from the future, by a clock that was set back, are old.
    private func age(of held: Held, at now: WallTime) -> Age? {
        guard now >= held.fetchedAt else { return .old }
        let end = held.fetchedAt.advanced(byMilliseconds: held.lifetime)
        if now >= end.advanced(byMilliseconds: Self.patience) { return nil }
        if now >= end { return .old }
        return now >= end.advanced(byMilliseconds: -held.lifetime / 5) ? .ageing : .fresh
    }

    /// Begins a fetch unless one is under way or has just failed.
    private mutating func beginFetch(_ now: WallTime) -> Bool {
        guard !isFetching, hasPassed(Self.retryInterval, since: failedAt, at: now) else { return false }
        isFetching = true
        return true
    }

    /// Never, and in the future by a clock that was set back, are long ago.
    private func hasPassed(_ interval: Int64, since moment: WallTime?, at now: WallTime) -> Bool {
        guard let moment else { return true }
        return now < moment || now >= moment.advanced(byMilliseconds: interval)
    }

    /// While the issuer is away, or not yet heard, the key may well be one of its.
    private func unknown(_ now: WallTime) -> TokenError {
        failedAt == nil && !isFetching ? .unknownKey : unreachable(now)
    }

    private func unreachable(_ now: WallTime) -> TokenError {
        guard let next = failedAt?.advanced(byMilliseconds: Self.retryInterval), let failedAt, failedAt <= now,
            now < next
        else { return .issuerUnreachable(retryAfter: 1) }
        return .issuerUnreachable(retryAfter: Int(next.milliseconds - now.milliseconds) / 1000 + 1)
    }

    private func wait(_ starts: Bool) -> Decision { Decision(answer: nil, startsFetch: starts) }

    private func answer(_ result: Result<VerificationKey, TokenError>, _ starts: Bool) -> Decision {
        Decision(answer: result, startsFetch: starts)
    }
}
