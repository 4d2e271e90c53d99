import NIOConcurrencyHelpers
import NIOCore

/// Asks Sentinels, in turn, where the master is now, beginning with the one that answered last.
final class SentinelDirectory: Sendable {
    /// How long one Sentinel may take.
    private static let patience = TimeAmount.milliseconds(600)

    private let master: String
    private let user: String?
    private let password: String?
    private let endpoints: NIOLockedValueBox<[RedisEndpoint]>

    init(_ endpoints: [RedisEndpoint], master: String, user: String?, password: String?) {
        self.endpoints = NIOLockedValueBox(endpoints)
        self.master = master
        self.user = user
        self.password = password
    }

    /// Where the master is.
    func master(by deadline: NIODeadline) async throws(RedisFailure) -> RedisEndpoint {
        var reasons: [String] = []
        for sentinel in endpoints.withLockedValue({ $0 }) {
            guard .now() < deadline else { break }
            do throws(RedisFailure) {
                return try await ask(sentinel, by: min(deadline, .now() + Self.patience))
            } catch {
                reasons.append("\(sentinel): \(error.message)")
                putLast(sentinel)
            }
        }
        throw RedisFailure(.link, "no Sentinel knows where “\(master)” is: \(reasons.joined(separator: "; "))")
    }

    private func putLast(_ sentinel: RedisEndpoint) {
        endpoints.withLockedValue { endpoints in
            guard let index = endpoints.firstIndex(of: sentinel) else { return }
            endpoints.append(endpoints.remove(at: index))
        }
    }

    /// A Sentinel has passwords of its own; the URL's are given where it asks for one.
    private func ask(
        _ sentinel: RedisEndpoint, by deadline: NIODeadline
    ) async throws(RedisFailure) -> RedisEndpoint {
        let connection = try await RedisConnection.open(to: sentinel, tls: nil, by: deadline)
        defer { connection.close() }
        let question = RedisCommand("SENTINEL", "get-master-addr-by-name", master)
        let reply: RESPValue
        do throws(RedisFailure) { reply = try await connection.send(question, by: deadline) } catch {
            guard error.code == "NOAUTH",
                let authentication = RedisGreeting.authentication(user: user, password: password)
            else { throw error }
            _ = try await connection.send(authentication, by: deadline)
            reply = try await connection.send(question, by: deadline)
        }
        guard let address = reply.array, address.count == 2, let host = address[0].text,
            let port = address[1].number, (1...65_535).contains(port)
        else { throw RedisFailure(.unfit, "it does not watch “\(master)”") }
        return .tcp(host: host, port: Int(port))
    }
}
