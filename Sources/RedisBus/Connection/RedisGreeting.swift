import NIOCore

/// What is said first on a connection: who comes and to which database; and what has to be true of the server.
struct RedisGreeting: Sendable {
    /// The oldest release that has all that is used: streams, and scripts that read the clock before they write. Users besides `default` need 6.0.
    static let minimumMajorVersion = 5

    private let url: RedisURL

    init(_ url: RedisURL) { self.url = url }

    /// The command that says who comes; `nil` where there is no password.
    static func authentication(user: String?, password: String?) -> RedisCommand? {
        guard let password else { return nil }
        return user.map { RedisCommand("AUTH", $0, password) } ?? RedisCommand("AUTH", password)
    }

    func greet(_ connection: RedisConnection, by deadline: NIODeadline) async throws(RedisFailure) {
        var commands: [RedisCommand] = []
        if let authentication = Self.authentication(user: url.user, password: url.password) {
            commands.append(authentication)
        }
        if url.database != 0 { commands.append(RedisCommand("SELECT", String(url.database))) }
        commands += [RedisCommand("ROLE"), RedisCommand("INFO", "server"), RedisCommand("CLIENT", "SETNAME", "crier")]
        let replies = try await connection.send(commands, by: deadline)
        // The name is for people who look; a server that does not take it is as good.
        for case .error(let text) in replies.dropLast() { throw RedisFailure(refusal: text) }
        guard replies.count == commands.count else { throw RedisFailure(.protocolError, "replies are missing") }
        try Self.check(role: replies[replies.count - 3], of: connection.endpoint)
        try Self.check(info: replies[replies.count - 2], of: connection.endpoint)
    }

    private static func check(role: RESPValue, of endpoint: RedisEndpoint) throws(RedisFailure) {
        switch role.array?.first?.text {
        case "master": break
        case "slave":
            throw RedisFailure(
                refusal: "READONLY the server at \(endpoint) is a replica; Crier needs the master "
                    + "(redis+sentinel:// finds it)")
        case "sentinel":
            throw RedisFailure(
                .unfit, "the server at \(endpoint) is a Sentinel: the URL is to begin with redis+sentinel://")
        default: throw RedisFailure(.protocolError, "the server at \(endpoint) does not say what its role is")
        }
    }

    static func check(info: RESPValue, of endpoint: RedisEndpoint) throws(RedisFailure) {
        let lines = info.text?.split(whereSeparator: \.isNewline) ?? []
        guard let line = lines.first(where: { $0.hasPrefix("redis_version:") }),
            let major = Int(line.dropFirst("redis_version:".count).prefix { $0 != "." })
        else { throw RedisFailure(.protocolError, "the server at \(endpoint) does not say what its version is") }
        guard major >= minimumMajorVersion else {
            throw RedisFailure(
                .unfit, "the server at \(endpoint) is too old (\(line)): Crier needs Redis \(minimumMajorVersion).0")
        }
    }
}
