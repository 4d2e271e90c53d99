import NIOConcurrencyHelpers
import NIOCore

/// Runs scripts by their digests, which Redis says when it is given them.
final class ScriptRunner: Sendable {
    private let digests = NIOLockedValueBox<[RedisScript: String]>([:])

    /// Gives a connection's server the scripts.
    func load(on connection: RedisConnection, by deadline: NIODeadline) async throws(RedisFailure) {
        let replies = try await connection.send(
            RedisScript.all.map { RedisCommand("SCRIPT", "LOAD", $0.source) }, by: deadline)
        for (script, reply) in zip(RedisScript.all, replies) {
            if case .error(let text) = reply { throw RedisFailure(refusal: text) }
            guard let digest = reply.text else {
                throw RedisFailure(.protocolError, "Redis does not say the digest of a script")
            }
            digests.withLockedValue { $0[script] = digest }
        }
    }

    /// Runs a script; one that the server has forgotten is sent as a whole.
    func run(
        _ script: RedisScript, keys: [String], arguments: RedisCommand, on link: RedisLink, by deadline: NIODeadline
    ) async throws(RedisFailure) -> RESPValue {
        // The link's preparation has loaded the scripts.
        _ = try await link.connection(by: deadline)
        guard let digest = digests.withLockedValue({ $0[script] }) else {
            throw RedisFailure(.link, "the scripts are not loaded yet")
        }
        do throws(RedisFailure) {
            return try await link.send(
                command("EVALSHA", digest, keys: keys, arguments: arguments), by: deadline)
        } catch {
            guard error.code == "NOSCRIPT" else { throw error }
            return try await link.send(
                command("EVAL", script.source, keys: keys, arguments: arguments), by: deadline)
        }
    }

    private func command(
        _ verb: String, _ script: String, keys: [String], arguments: RedisCommand
    ) -> RedisCommand {
        var command = RedisCommand(verb, script, String(keys.count))
        command.append(keys)
        command.append(contentsOf: arguments)
        return command
    }
}
