import Gateway
import MessageBus

/// The one place that knows which bus a deployment has.
enum BusFactory {
    static func open(_ configuration: ServerConfiguration) async throws -> any MessageBus {
        switch configuration.bus {
        case .memory: try await InProcessBus.open(retention: configuration.retention)
        }
    }
}
