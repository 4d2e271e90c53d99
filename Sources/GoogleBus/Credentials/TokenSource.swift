/// Where access tokens come from.
protocol TokenSource: Sendable {
    /// Fetches a token.
    ///
    /// Called by one task at a time. Has to come back within seconds, whatever the other side does, and soon where the task is cancelled.
    func fetch() async throws(PubSubError) -> AccessToken
}
