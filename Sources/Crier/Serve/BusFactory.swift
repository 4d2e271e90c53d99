import Gateway
import Logging
import MessageBus
import PostgresBus
import RedisBus

/// The one place that knows which bus a deployment has.
enum BusFactory {
    /// - Throws: `ConfigurationError` for an address that is none. A backend that is away is no error: it is waited for.
    static func open(_ configuration: ServerConfiguration, logger: Logger) async throws -> any MessageBus {
        let bus = configuration.bus
        switch bus.kind {
        case .memory: return try await InProcessBus.open(retention: configuration.retention)
        case .redis:
            do {
                return try RedisBus.make(
                    url: bus.redisURL ?? "", namespace: bus.namespace, logCount: bus.logCount, logger: logger)
            } catch {
                throw ConfigurationError(key: "REDIS_URL", "\(error)")
            }
        case .postgres:
            do {
                return try PostgresBus.make(
                    url: bus.databaseURL ?? "", directURL: bus.databaseDirectURL, namespace: bus.namespace,
                    logCount: bus.logCount, logger: logger)
            } catch {
                throw ConfigurationError(key: error.setting, error.reason)
            }
        }
    }
}
