import NIOCore
import NIOSSL

/// Makes connections that are ready to use: to the master, wherever it is now, as the URL's user and in its database.
final class RedisConnector: Sendable {
    private let url: RedisURL
    private let tls: NIOSSLContext?
    private let sentinels: SentinelDirectory?

    init(_ url: RedisURL) throws(RedisURLError) {
        self.url = url
        tls = url.isEncrypted ? try Self.context(trusting: url.certificates) : nil
        if case .sentinels(let endpoints, let master) = url.location {
            sentinels = SentinelDirectory(endpoints, master: master, user: url.user, password: url.password)
        } else {
            sentinels = nil
        }
    }

    private static func context(trusting file: String?) throws(RedisURLError) -> NIOSSLContext {
        var configuration = TLSConfiguration.makeClientConfiguration()
        if let file { configuration.trustRoots = .file(file) }
        do { return try NIOSSLContext(configuration: configuration) } catch {
            throw .certificate(file: file ?? "the system's store")
        }
    }

    /// Makes a connection.
    ///
    /// - Parameter onMessage: is called on an event loop with what is published on channels subscribed to.
    func connect(
        by deadline: NIODeadline, onMessage: (@Sendable (RedisMessage) -> Void)? = nil
    ) async throws(RedisFailure) -> RedisConnection {
        let endpoint: RedisEndpoint
        switch (url.location, sentinels) {
        case (.server(let server), _): endpoint = server
        case (.sentinels, let sentinels?): endpoint = try await sentinels.master(by: deadline)
        case (.sentinels, nil): throw RedisFailure(.unfit, "no Sentinel is known")
        }
        let connection = try await RedisConnection.open(to: endpoint, tls: tls, by: deadline, onMessage: onMessage)
        do { try await RedisGreeting(url).greet(connection, by: deadline) } catch {
            connection.close()
            throw error
        }
        return connection
    }
}
