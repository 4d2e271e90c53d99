import Testing

@testable import Crier

struct PublishRetriesTests {
    @Test(arguments: [200, 201, 299])
    func anAcceptedAlertIsDone(status: Int) {
        var retries = PublishRetries(patience: .seconds(30))
        var random = ConstantGenerator.lowest
        #expect(
            retries.action(after: .answered(status: status, retryAfter: nil), elapsed: .zero, using: &random)
                == .succeed)
    }

    @Test(arguments: [301, 400, 401, 403, 404, 413, 500, 501, 505])
    func whatTheServerWillNotHaveIsNotSentAgain(status: Int) {
        var retries = PublishRetries(patience: .seconds(30))
        var random = ConstantGenerator.lowest
        #expect(
            retries.action(after: .answered(status: status, retryAfter: 1), elapsed: .zero, using: &random) == .refuse)
    }

    @Test(
        arguments: [
            .unanswered, .answered(status: 429, retryAfter: nil), .answered(status: 502, retryAfter: nil),
            .answered(status: 503, retryAfter: nil), .answered(status: 504, retryAfter: nil),
        ] as [PublishRetries.Outcome])
    func passingFailuresAreRetriedWithGrowingWaitsUpToTheCap(outcome: PublishRetries.Outcome) throws {
        var retries = PublishRetries(patience: .seconds(1_000))
        var random = ConstantGenerator.highest
        for ceiling in [1.0, 2, 4, 8, 16, 30, 30, 30] {
            let action = retries.action(after: outcome, elapsed: .zero, using: &random)
            guard case .retry(let wait) = action else {
                Issue.record("\(action)")
                return
            }
            #expect(wait <= .seconds(ceiling))
            #expect(wait > .seconds(ceiling * 0.99))
        }
    }

    @Test func jitterIsFull() {
        var retries = PublishRetries(patience: .seconds(30))
        var random = ConstantGenerator.lowest
        for _ in 0..<10 {
            #expect(retries.action(after: .unanswered, elapsed: .zero, using: &random) == .retry(after: .zero))
        }
    }

    @Test func theServersWaitIsHonouredAndSpread() {
        var retries = PublishRetries(patience: .seconds(30))
        var lowest = ConstantGenerator.lowest
        var highest = ConstantGenerator.highest
        let busy = PublishRetries.Outcome.answered(status: 429, retryAfter: 7)
        #expect(retries.action(after: busy, elapsed: .zero, using: &lowest) == .retry(after: .seconds(7)))
        guard case .retry(let wait) = retries.action(after: busy, elapsed: .zero, using: &highest) else {
            Issue.record("no retry")
            return
        }
        #expect(wait > .seconds(7.9) && wait <= .seconds(8))
    }

    @Test func patienceBoundsTheStartOfTheLastAttempt() {
        var retries = PublishRetries(patience: .seconds(30))
        var random = ConstantGenerator.lowest
        let busy = PublishRetries.Outcome.answered(status: 503, retryAfter: 10)
        #expect(retries.action(after: busy, elapsed: .seconds(20), using: &random) == .retry(after: .seconds(10)))
        #expect(retries.action(after: busy, elapsed: .seconds(20.5), using: &random) == .giveUp)
        #expect(retries.action(after: .unanswered, elapsed: .seconds(31), using: &random) == .giveUp)
    }

    @Test func withoutPatienceThereIsOneAttempt() {
        var retries = PublishRetries(patience: .zero)
        var random = ConstantGenerator.highest
        #expect(retries.action(after: .unanswered, elapsed: .zero, using: &random) == .giveUp)
    }

    @Test(
        arguments: [
            ("0", 0), ("120", 120), ("999999999", 86_400), ("-1", nil), ("", nil), ("1.5", nil),
            ("Wed, 21 Oct 2026 07:28:00 GMT", nil), ("99999999999999999999", nil),
        ] as [(String, Int?)])
    func retryAfterIsReadInSeconds(header: String, seconds: Int?) {
        #expect(RetryAfter.seconds(header) == seconds)
    }

    @Test func durationsAreShownInTenths() {
        #expect(Duration.milliseconds(1_250).secondsText == "1.2 s")
        #expect(Duration.zero.secondsText == "0.0 s")
        #expect(Duration.seconds(30).secondsText == "30.0 s")
    }
}
