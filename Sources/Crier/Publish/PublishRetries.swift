/// Decides what follows an attempt to publish. A value: it neither waits nor sends, and time and randomness are given
/// to it.
struct PublishRetries: Sendable {
    /// How an attempt ended.
    enum Outcome: Sendable, Equatable {
        /// With an HTTP status and the seconds of its `Retry-After`.
        case answered(status: Int, retryAfter: Int?)
        /// Without an answer. The alert may have been raised or not.
        case unanswered
    }

    enum Action: Sendable, Equatable {
        /// The alert is raised.
        case succeed
        /// The server will not have it, now or later.
        case refuse
        /// The same once more, with the same key, after this time.
        case retry(after: Duration)
        /// Not available within the time there is.
        case giveUp
    }

    /// How long after the first attempt another may begin.
    let patience: Duration
    private var backoff = Backoff()

    init(patience: Duration) {
        self.patience = patience
    }

    /// - Parameter elapsed: The time since the first attempt began.
    mutating func action(
        after outcome: Outcome, elapsed: Duration, using random: inout some RandomNumberGenerator
    ) -> Action {
        let wait: Duration
        switch outcome {
        case .answered(200..<300, _):
            return .succeed
        case .answered(429, let retryAfter), .answered(502...504, let retryAfter):
            wait = retryAfter.map { backoff.next(retryAfter: $0, using: &random) } ?? backoff.next(using: &random)
        case .answered:
            return .refuse
        case .unanswered:
            wait = backoff.next(using: &random)
        }
        return elapsed + wait <= patience ? .retry(after: wait) : .giveUp
    }
}
