/// Why Pub/Sub, or what gives tokens for it, did not do what it was asked.
struct PubSubError: Error, Sendable, Equatable, CustomStringConvertible {
    /// An open set: the statuses of Google's APIs (google.rpc.Code), and what this side finds.
    struct Code: Hashable, Sendable {
        let name: String
        init(_ name: String) { self.name = name }

        static let notFound = Code("not_found")
        /// The project itself is not there, or not to be seen with these rights.
        static let projectNotFound = Code("project_not_found")
        static let alreadyExists = Code("already_exists")
        static let permissionDenied = Code("permission_denied")
        /// There is no token, or it is refused.
        static let unauthenticated = Code("unauthenticated")
        /// A quota or a limit is reached.
        static let resourceExhausted = Code("resource_exhausted")
        static let invalidArgument = Code("invalid_argument")
        static let failedPrecondition = Code("failed_precondition")
        static let unimplemented = Code("unimplemented")
        static let aborted = Code("aborted")
        static let `internal` = Code("internal")
        /// The server cannot be reached, or says that it cannot answer now.
        static let unavailable = Code("unavailable")
        static let deadlineExceeded = Code("deadline_exceeded")
        /// The task was cancelled.
        static let cancelled = Code("cancelled")
        /// The client has been shut down.
        static let closed = Code("closed")
        /// The server answered what it should not.
        static let backend = Code("backend")
    }

    let code: Code
    /// The status of the answer; `nil` where none came.
    let httpStatus: Int?
    let message: String
    /// What whoever runs this can do about it.
    var advice: String?
    /// Whether what was asked for may have been done all the same.
    var isOutcomeUnknown: Bool
    /// When the server said that trying again is worth it, in seconds.
    var retryAfter: Int?

    init(
        _ code: Code, _ message: String, httpStatus: Int? = nil, advice: String? = nil, isOutcomeUnknown: Bool = false,
        retryAfter: Int? = nil
    ) {
        self.code = code
        self.message = message
        self.httpStatus = httpStatus
        self.advice = advice
        self.isOutcomeUnknown = isOutcomeUnknown
        self.retryAfter = retryAfter
    }

    /// Whether trying again later may help, without anyone changing anything.
    var isTransient: Bool {
        [.unavailable, .deadlineExceeded, .resourceExhausted, .aborted, .internal].contains(code)
    }

    var description: String { "\(code.name): \(explanation)" }

    /// The message and the advice.
    var explanation: String { advice.map { "\(message): \($0)" } ?? message }
}

extension PubSubError {
    static let shutDown = PubSubError(.closed, "the connection to Google Cloud has been shut down")
    static func cancelled(outcomeUnknown: Bool) -> PubSubError {
        PubSubError(.cancelled, "the call was cancelled", isOutcomeUnknown: outcomeUnknown)
    }
}
