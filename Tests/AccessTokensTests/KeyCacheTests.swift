import CrierTesting
import Logging
import MessageBus
import NIOConcurrencyHelpers
import Testing

@testable import AccessTokens

@Suite struct KeyCacheTests {
    private let query = KeyQuery(id: "ed", algorithm: .edDSA)
    private let start = WallTime(seconds: 1_800_000_000)

    private func keys() async throws -> KeyIndex {
        try await KeyIndex(Array(#"{"keys":[\#(SigningKey.edDSA("ed").webKey)]}"#.utf8), allowing: [.edDSA])
    }

    @Test("a clock that is set back makes keys old, and neither eternal nor lost")
    func clockSetBack() async throws {
        var cache = KeyCache()
        #expect(cache.decide(query, now: start, hasWaited: false).startsFetch)
        cache.finish(.success((try await keys(), 3600)), now: start)
        #expect(try cache.decide(query, now: start, hasWaited: false).answer?.get() != nil)
        let before = start.advanced(byMilliseconds: -1)
        let decision = cache.decide(query, now: before, hasWaited: false)
        #expect(decision.answer == nil && decision.startsFetch)
        cache.finish(.failure(KeySourceError("away")), now: start)
        let after = cache.decide(query, now: before, hasWaited: true)
        #expect(try after.answer?.get() != nil)
        // The failure is in the future now, and does not keep the next fetch from beginning.
        #expect(after.startsFetch)
    }

    @Test("one fetch is under way at most, and who has waited is answered")
    func oneFetch() {
        var cache = KeyCache()
        #expect(cache.decide(query, now: start, hasWaited: false).startsFetch)
        for _ in 0..<3 {
            let decision = cache.decide(query, now: start, hasWaited: false)
            #expect(decision.answer == nil && !decision.startsFetch)
        }
        let late = cache.decide(query, now: start, hasWaited: true)
        #expect(late.answer?.failure?.code == .issuerUnreachable && !late.startsFetch)
    }

    @Test("no time overflows", arguments: [Int64.min, -1, 0, .max])
    func extremes(milliseconds: Int64) async throws {
        let now = WallTime(milliseconds: milliseconds)
        var cache = KeyCache()
        for result: Result<Int64?, KeySourceError> in [
            .success(.max), .success(.min), .failure(KeySourceError("away")), .success(0),
        ] {
            for moment in [now, start, WallTime(milliseconds: .min), WallTime(milliseconds: .max)] {
                _ = cache.decide(query, now: moment, hasWaited: false)
                _ = cache.decide(KeyQuery(id: "x", algorithm: .edDSA), now: moment, hasWaited: true)
            }
            let keys = try await keys()
            cache.finish(result.map { (keys, $0) }, now: now)
        }
    }

    /// A source that is away at once.
    private struct Away: KeySource {
        func fetch() async throws(KeySourceError) -> KeyDocument { throw KeySourceError("away") }
    }

    @Test("past ten thousand who wait for a fetch, the newest are refused")
    func waiting() async throws {
        let clock = VirtualClock()
        let set = KeySet(
            Away(), allowing: [.edDSA], clock: clock.wallClock,
            logger: Logger(label: "tokens.tests") { _ in SwiftLogNoOpLogHandler() })
        let refused = NIOLockedValueBox(0)
        await withThrowingTaskGroup(of: Void.self) { group in
            for _ in 0..<10_050 {
                group.addTask { [query] in
                    await #expect(throws: TokenError.self) { try await set.key(for: query) }
                    refused.withLockedValue { $0 += 1 }
                }
            }
            await #expect(throws: Never.self) {
                try await eventually("50 refusals") { refused.withLockedValue { $0 } == 50 }
            }
            // The fetch that all wait for is made now.
            group.addTask { await set.run() }
            await #expect(throws: Never.self) {
                try await eventually("10,050 refusals") { refused.withLockedValue { $0 } == 10_050 }
            }
            group.cancelAll()
        }
        #expect(refused.withLockedValue { $0 } == 10_050)
    }
}
