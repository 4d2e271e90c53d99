/// What was published on a channel that a connection is subscribed to.
struct RedisMessage: Sendable, Equatable {
    let channel: String
    let text: String

    init(channel: String, text: String) {
        self.channel = channel
        self.text = text
    }

    /// - Returns: `nil` where the reply is an answer to a command.
    init?(_ reply: RESPValue) {
        guard let parts = reply.array, parts.count == 3, parts[0].text == "message", let channel = parts[1].text
        else { return nil }
        self.init(channel: channel, text: parts[2].text ?? "")
    }
}
