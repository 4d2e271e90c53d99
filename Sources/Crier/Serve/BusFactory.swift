import Gateway
import Logging
import MessageBus
import PostgresBus
import RedisBus

/// The one place that knows which bus a deployment has.
enum BusFactory {
    /// - Throws: `ConfigurationError` for an address that is none. A backend that is away is no error: it is waited for.
    static func open(_ configuration: ServerConfiguration, logger: Logger) async throws -> (
        bus: any MessageBus, store: any SharedStore
    ) {
        let bus = configuration.bus
        switch bus.kind {
        case .memory: return (try await InProcessBus.open(retention: configuration.retention), InProcessStore())
        case .redis:
            do {
                return try RedisBus.makeWithStore(
                    url: bus.redisURL ?? "", namespace: bus.namespace, logCount: bus.logCount, logger: logger)
            } catch {
                throw ConfigurationError(key: "REDIS_URL", "\(error)")
            }
        case .postgres:
            do {
                return try PostgresBus.makeWithStore(
                    url: bus.databaseURL ?? "", directURL: bus.databaseDirectURL, namespace: bus.namespace,
                    logCount: bus.logCount, logger: logger)
            } catch {
                throw ConfigurationError(key: error.setting, error.reason)
            }
        }
    }
}
