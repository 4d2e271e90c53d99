/// How long calls may take.
struct PubSubTiming: Sendable {
    /// All of a call, the wait for a token included.
    var call = Duration.seconds(4)
    /// What a pull may take beyond the time that it waits for messages.
    var pullGrace = Duration.seconds(3)
    var connect = Duration.seconds(2)
}
