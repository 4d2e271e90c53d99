import CrierTesting
import Foundation
import Gateway
import GoogleBus
import Logging
import MessageBus
import PostgresBus
import PrometheusMetrics
import RedisBus
import UnixSignals

/// `crier serve` with a bus that breaks a promise: what the acceptance run's negative controls serve with, and must find out.
///
/// Takes the settings of `crier serve` from the environment, and the fault from `CRIER_FAULT`: `constantEpoch` or one of `FaultyBus.Fault`.
@main
struct FaultyServer {
    private struct Unknown: Error {
        let fault: String
    }

    static func main() async throws {
        let environment = ProcessInfo.processInfo.environment
        let configuration = try ServerConfiguration(
            try await SettingsReader(arguments: [], environment: environment))
        let logger = Logger(label: "crier-faulty") { StreamLogHandler.standardError(label: $0) }
        let server = GatewayServer(
            configuration: configuration,
            bus: try broken(try bus(configuration, logger: logger), by: environment["CRIER_FAULT"] ?? ""),
            registry: PrometheusRegistry(), logger: logger)
        try await server.run(
            started: { print("on port \($0)") },
            until: { for await _ in await UnixSignalsSequence(trapping: .sigterm, .sigint) { return } })
    }

    private static func bus(_ server: ServerConfiguration, logger: Logger) throws -> any MessageBus {
        let configuration = server.bus
        return switch configuration.kind {
        case .memory: InProcessBus()
        case .redis:
            try RedisBus.make(
                url: configuration.redisURL ?? "", namespace: configuration.namespace,
                logCount: configuration.logCount, logger: logger)
        case .postgres:
            try PostgresBus.make(
                url: configuration.databaseURL ?? "", directURL: configuration.databaseDirectURL,
                namespace: configuration.namespace, logCount: configuration.logCount, logger: logger)
        case .google:
            try GoogleBus.make(
                onEmulator(configuration.pubSub), vm: server.vm, retention: server.retention, logger: logger)
        }
    }

    /// Where the acceptance run has Pub/Sub.
    private static func onEmulator(_ settings: PubSubConfiguration) -> GoogleBusConfiguration {
        var google = GoogleBusConfiguration()
        google.project = settings.project
        google.topic = settings.topic
        google.emulatorHost = settings.emulatorHost
        return google
    }

    private static func broken(_ bus: any MessageBus, by fault: String) throws -> any MessageBus {
        if fault == "constantEpoch" { return ConstantEpochBus(bus) }
        guard let known = FaultyBus.Fault(rawValue: fault) else { throw Unknown(fault: fault) }
        return FaultyBus(bus, fault: known)
    }
}
