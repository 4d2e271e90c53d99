import CrierTesting
import Logging
import MessageBus
import NIOConcurrencyHelpers
import Testing

@testable import GoogleBus

@Suite struct TokenKeeperTests {
    /// Gives the tokens t1, t2, … when it is let.
    private final class Source: TokenSource {
        private struct State {
            var fetches = 0
            var isOpen = true
            var failure: PubSubError?
        }
        private let state = NIOLockedValueBox(State())

        var fetches: Int { state.withLockedValue { $0.fetches } }
        func open(_ isOpen: Bool) { state.withLockedValue { $0.isOpen = isOpen } }
        func fail(_ failure: PubSubError?) { state.withLockedValue { $0.failure = failure } }

        func fetch() async throws(PubSubError) -> AccessToken {
            let number = state.withLockedValue { state in
                state.fetches += 1
                return state.fetches
            }
            while !state.withLockedValue({ $0.isOpen }) {
                do { try await ContinuousClock().sleep(for: .milliseconds(5)) } catch {
                    throw .cancelled(outcomeUnknown: false)
                }
            }
            if let failure = state.withLockedValue({ $0.failure }) { throw failure }
            return AccessToken(text: "t\(number)", seconds: 3600)
        }
    }

    private let source = Source()
    private let clock = VirtualClock()

    private func keeper() -> TokenKeeper { TokenKeeper(source, clock: clock.wallClock, logger: APIFixture.logger) }

    private func token(_ keeper: TokenKeeper) async -> Result<String, PubSubError> {
        do throws(PubSubError) {
            return .success(try await keeper.token().text)
        } catch {
            return .failure(error)
        }
    }

    @Test("all who come before there is a token share one fetch")
    func shared() async throws {
        let keeper = keeper()
        await withTaskGroup(of: Result<String, PubSubError>.self) { group in
            for _ in 0..<200 { group.addTask { await token(keeper) } }
            for await result in group { #expect(result == .success("t1")) }
        }
        #expect(source.fetches == 1)
        await keeper.shutdown()
    }

    @Test("a token is renewed in the background, and nobody waits for it")
    func background() async throws {
        let keeper = keeper()
        #expect(await token(keeper) == .success("t1"))
        source.open(false)
        clock.advance(milliseconds: 2_700_000)
        #expect(await token(keeper) == .success("t1"))
        try await eventually("a renewal") { source.fetches == 2 }
        #expect(await token(keeper) == .success("t1"))
        source.open(true)
        try await eventually("the new token") { await token(keeper) == .success("t2") }
        #expect(source.fetches == 2)
        await keeper.shutdown()
    }

    @Test("whoever waits gets the failure, and the next one only later")
    func failure() async throws {
        let keeper = keeper()
        let error = PubSubError(.unavailable, "away")
        source.fail(error)
        #expect(await token(keeper) == .failure(error))
        #expect(await token(keeper) == .failure(error))
        #expect(source.fetches == 1)
        source.fail(nil)
        clock.advance(milliseconds: 1_000)
        #expect(await token(keeper) == .success("t2"))
        await keeper.shutdown()
    }

    @Test("whoever is cancelled waits no more, and the fetch goes on for the others")
    func cancelled() async throws {
        let keeper = keeper()
        source.open(false)
        let first = Task { await token(keeper) }
        let second = Task { await token(keeper) }
        try await eventually("a fetch") { source.fetches == 1 }
        first.cancel()
        #expect(await first.value == .failure(.cancelled(outcomeUnknown: false)))
        source.open(true)
        #expect(await second.value == .success("t1"))
        #expect(source.fetches == 1)
        await keeper.shutdown()
    }

    @Test("whoever waits when it ends gets an answer, and so does whoever comes later")
    func end() async throws {
        let keeper = keeper()
        source.open(false)
        let waiting = Task { await token(keeper) }
        try await eventually("a fetch") { source.fetches == 1 }
        await keeper.shutdown()
        #expect(await waiting.value == .failure(.shutDown))
        #expect(await token(keeper) == .failure(.shutDown))
        #expect(source.fetches == 1)
        await keeper.shutdown()
    }
}
