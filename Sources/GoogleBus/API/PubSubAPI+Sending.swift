import NIOHTTP1
import StrictJSON

extension PubSubAPI {
    private static let limits = JSONLimits(maxDepth: 16, maxMembers: 1024)

    /// Sends a call and reads the answer.
    ///
    /// - Parameter request: makes the request, given the project's id.
    func send(_ request: (String) -> PubSubRequest) async throws(PubSubError) -> JSONObject {
        // What has to be known first, the project and the token, has its part of the time.
        let preparing = TimeBound(timing.call)
        let project = try await projectID(within: preparing)
        let request = request(project)
        let token = try await token(within: preparing)
        let bound = request.waiting.map { TimeBound($0 + timing.pullGrace) } ?? preparing
        var answer = try await exchange.send(
            request.request(to: endpoints.api, as: token), limit: request.limit, within: bound)
        if answer.status == 401, let token, credentials.keeper?.refused(token) == true {
            let another = try await self.token(within: bound)
            answer = try await exchange.send(
                request.request(to: endpoints.api, as: another), limit: request.limit, within: bound)
        }
        guard answer.status == 200 else { throw refusal(answer, of: request.call, project: project) }
        guard let members = (try? JSONValue.parse(answer.body, limits: Self.limits))?.objectValue else {
            throw garbage("is no JSON object")
        }
        return members
    }

    /// The answer to a call that was done, and that says what it should not.
    func garbage(_ what: String) -> PubSubError {
        PubSubError(
            .backend, "\(HTTPExchange.host(of: endpoints.api)) answered what \(what)", httpStatus: 200,
            isOutcomeUnknown: true)
    }

    /// The project's id; asked for where the settings do not say it.
    func projectID() async throws(PubSubError) -> String { try await projectID(within: TimeBound(timing.call)) }

    private func projectID(within bound: TimeBound) async throws(PubSubError) -> String {
        if case .known(let id) = project { return id }
        guard case .machine(_, let server) = credentials else {
            throw PubSubError(.invalidArgument, "no project is set", advice: "set GOOGLE_CLOUD_PROJECT")
        }
        return try await Self.prepared(within: bound, "project") { () async throws(PubSubError) in
            try await server.project()
        }
    }

    private func token(within bound: TimeBound) async throws(PubSubError) -> AccessToken? {
        guard let keeper = credentials.keeper else { return nil }
        if let token = keeper.tokenAtHand() { return token }
        return try await Self.prepared(within: bound, "access token") { () async throws(PubSubError) in
            try await keeper.token()
        }
    }

    /// What comes before a request is sent: where it fails, the request had no effect.
    private static func prepared<Value: Sendable>(
        within bound: TimeBound, _ what: String, _ operation: @escaping @Sendable () async throws(PubSubError) -> Value
    ) async throws(PubSubError) -> Value {
        do throws(PubSubError) {
            return try await bound.run(
                late: PubSubError(.unavailable, "no \(what) came in time"),
                cancelled: .cancelled(outcomeUnknown: false),
                operation)
        } catch {
            var error = error
            error.isOutcomeUnknown = false
            throw error
        }
    }
}
