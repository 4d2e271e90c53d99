import Gateway
import Logging
import MessageBus

/// The one place that knows which bus a deployment has.
enum BusFactory {
    /// - Throws: `ConfigurationError` for an address that is none. A backend that is away is no error: it is waited for.
    static func open(_ configuration: ServerConfiguration, logger: Logger) async throws -> any MessageBus {
        let bus = configuration.bus
        switch bus.kind {
        case .memory: return try await InProcessBus.open(retention: configuration.retention)
        default: throw ConfigurationError(key: "BUS", "not yet")
        }
    }
}
