import MessageBus
import Testing

@testable import GoogleBus

@Suite struct TokenCacheTests {
    private let start = WallTime(seconds: 1_800_000_000)
    private let failure = PubSubError(.unavailable, "away")

    private func at(_ seconds: Double) -> WallTime { start.advanced(byMilliseconds: Int64(seconds * 1000)) }

    private func holding(_ seconds: Int) -> TokenCache {
        var cache = TokenCache()
        #expect(cache.decide(now: start) == .init(answer: .wait, startsFetch: true))
        cache.finish(.success(AccessToken(text: "t", seconds: seconds)), startedAt: start, now: start)
        return cache
    }

    @Test(
        "a token is renewed at three quarters of its life or five minutes before its end, and used until then",
        arguments: [(3600, 2700.0, 3590.0), (1000, 700, 990), (86_400, 64_800, 86_390), (60, 30, 54), (10, 5, 9)])
    func renewal(life: Int, renewal: Double, end: Double) {
        let token = AccessToken(text: "t", seconds: life)
        var cache = holding(life)
        #expect(cache.decide(now: at(renewal - 0.001)) == .init(answer: .use(token)))
        #expect(cache.decide(now: at(renewal)) == .init(answer: .use(token), startsFetch: true))
        // One at a time, while the old one is used.
        #expect(cache.decide(now: at(renewal)) == .init(answer: .use(token)))
        #expect(cache.decide(now: at(end - 0.001)) == .init(answer: .use(token)))
        #expect(cache.decide(now: at(end)) == .init(answer: .wait))
        cache.finish(.success(AccessToken(text: "u", seconds: life)), startedAt: at(renewal), now: at(end))
        #expect(cache.decide(now: at(renewal + 1)).answer == .use(AccessToken(text: "u", seconds: life)))
    }

    @Test("after a failure nothing is fetched for a while that grows, up to four seconds, or thirty where it lasts")
    func failures() {
        for (error, longest) in [(failure, 4.0), (PubSubError(.unauthenticated, "no"), 30)] {
            var cache = TokenCache()
            var now = 0.0
            for round in 0..<12 {
                #expect(cache.decide(now: at(now)) == .init(answer: .wait, startsFetch: true))
                cache.finish(.failure(error), startedAt: at(now), now: at(now), chance: 1)
                let delay = min(longest, Double(1 << round))
                #expect(cache.decide(now: at(now + delay - 0.001)) == .init(answer: .fail(error)))
                now += delay
            }
            #expect(cache.decide(now: at(now)).startsFetch)
            cache.finish(.failure(error), startedAt: at(now), now: at(now), chance: 0)
            #expect(cache.decide(now: at(now + longest / 4 - 0.001)) == .init(answer: .fail(error)))
            now += longest / 4
            #expect(cache.decide(now: at(now)).startsFetch)
            cache.finish(.success(AccessToken(text: "t", seconds: 3600)), startedAt: at(now), now: at(now))
            #expect(cache.decide(now: at(now)).answer == .use(AccessToken(text: "t", seconds: 3600)))
        }
    }

    @Test("a renewal that fails is tried again after its delay, and the old token is used meanwhile")
    func failedRenewal() {
        let token = AccessToken(text: "t", seconds: 3600)
        var cache = holding(3600)
        #expect(cache.decide(now: at(2700)).startsFetch)
        cache.finish(.failure(failure), startedAt: at(2700), now: at(2704), chance: 1)
        #expect(cache.decide(now: at(2704.999)) == .init(answer: .use(token)))
        #expect(cache.decide(now: at(2705)) == .init(answer: .use(token), startsFetch: true))
        cache.finish(.failure(failure), startedAt: at(2705), now: at(3589), chance: 1)
        #expect(cache.decide(now: at(3589.999)) == .init(answer: .use(token)))
        #expect(cache.decide(now: at(3590)) == .init(answer: .fail(failure)))
        #expect(cache.decide(now: at(3591)) == .init(answer: .wait, startsFetch: true))
    }

    @Test("a token that is refused makes room for another one, at most every half minute")
    func refused() {
        let token = AccessToken(text: "t", seconds: 3600)
        let other = AccessToken(text: "u", seconds: 3600)
        var cache = holding(3600)
        // A call that was made with an older one is worth trying again with this one.
        #expect(cache.refused(other, now: at(1)) == true)
        #expect(cache.decide(now: at(1)).answer == .use(token))
        #expect(cache.refused(token, now: at(1)) == true)
        #expect(cache.decide(now: at(1)) == .init(answer: .wait, startsFetch: true))
        cache.finish(.success(other), startedAt: at(1), now: at(1))
        #expect(cache.refused(other, now: at(30.999)) == false)
        #expect(cache.decide(now: at(30.999)).answer == .use(other))
        #expect(cache.refused(other, now: at(31)) == true)
        #expect(cache.decide(now: at(31)).startsFetch)
    }

    @Test("a clock that was set back makes a token unknown, and ends a failure's delay")
    func setBack() {
        var cache = holding(3600)
        #expect(cache.decide(now: at(-1)) == .init(answer: .wait, startsFetch: true))
        cache.finish(.failure(failure), startedAt: at(-1), now: at(-1), chance: 1)
        #expect(cache.decide(now: at(-0.5)) == .init(answer: .fail(failure)))
        #expect(cache.decide(now: at(-2)) == .init(answer: .wait, startsFetch: true))
    }

    @Test("no time and no life overflows")
    func extremes() {
        for seconds in [Int.min, -1, 0, 1, .max] {
            for now in [WallTime(milliseconds: .min), WallTime(milliseconds: .max), start] {
                var cache = TokenCache()
                _ = cache.decide(now: now)
                cache.finish(.success(AccessToken(text: "t", seconds: seconds)), startedAt: now, now: now)
                _ = cache.decide(now: WallTime(milliseconds: .max))
                _ = cache.decide(now: WallTime(milliseconds: .min))
            }
        }
    }
}
