import CrierTesting
import Gateway
import GoogleBus
import Logging
import MessageBus
import NIOConcurrencyHelpers
import PostgresBus
import RedisBus
import Testing

@testable import Crier

@Suite struct BusFactoryTests {
    /// What a logger was told at the level of warnings.
    private final class Warnings: Sendable {
        let lines = NIOLockedValueBox<[String]>([])

        var logger: Logger { Logger(label: "test") { _ in Handler(warnings: self) } }

        private struct Handler: LogHandler {
            let warnings: Warnings
            var logLevel = Logger.Level.trace
            var metadata: Logger.Metadata = [:]

            subscript(metadataKey key: String) -> Logger.Metadata.Value? {
                get { metadata[key] }
                set { metadata[key] = newValue }
            }

            func log(event: LogEvent) {
                guard event.level == .warning else { return }
                warnings.lines.withLockedValue { $0.append(event.message.description) }
            }
        }
    }

    /// Its connections have to be closed before it goes.
    private func close(_ bus: any MessageBus) async throws {
        try await #require(bus as? SharedLogBus<GoogleLogStore>).close()
    }

    private func configuration(
        _ environment: [String: String], project: String? = "test-project"
    ) async throws -> ServerConfiguration {
        var environment = environment
        environment["BUS"] = "google"
        environment["GOOGLE_CLOUD_PROJECT"] = project
        // Nothing is connected before the bus is used.
        environment["PUBSUB_EMULATOR_HOST"] = "127.0.0.1:1"
        return try ServerConfiguration(try await SettingsReader(arguments: [], environment: environment))
    }

    @Test("beside Pub/Sub alone each VM keeps its own store, and that is said at the start")
    func ownStore() async throws {
        let warnings = Warnings()
        let opened = try await BusFactory.open(try await configuration([:]), logger: warnings.logger)
        try await close(opened.bus)
        #expect(opened.store is InProcessStore)
        let lines = warnings.lines.withLockedValue { $0 }
        #expect(lines.contains { $0.contains("sessions and who is in a room are this VM's own") })
    }

    @Test("beside Pub/Sub the store is in the Redis that is set, else in the database")
    func sharedStore() async throws {
        let redis = "redis://127.0.0.1:1/0"
        let postgres = "postgres://crier@127.0.0.1:1/crier"
        let warnings = Warnings()
        for environment in [["REDIS_URL": redis], ["REDIS_URL": redis, "DATABASE_URL": postgres]] {
            let opened = try await BusFactory.open(try await configuration(environment), logger: warnings.logger)
            try await close(opened.bus)
            #expect(opened.store is RedisSharedStore)
        }
        let opened = try await BusFactory.open(
            try await configuration(["DATABASE_URL": postgres]), logger: warnings.logger)
        try await close(opened.bus)
        #expect(opened.store is PostgresSharedStore)
        #expect(warnings.lines.withLockedValue { $0 } == [])
    }

    @Test(
        "an address or a name that is none is refused by its setting, for the store beside Pub/Sub too",
        arguments: [
            ("REDIS_URL", "http://r"), ("DATABASE_URL", "postgres://u:p@h:x/d"), ("PUBSUB_TOPIC", "no topic"),
        ])
    func badAddress(key: String, value: String) async throws {
        let configuration = try await configuration([key: value])
        let error = await #expect(throws: ConfigurationError.self) {
            try await BusFactory.open(configuration, logger: Warnings().logger)
        }
        #expect(error?.key == key)
    }

    @Test("with an emulator's address the bus opens without a project")
    func emulatorAlone() async throws {
        let configuration = try await configuration([:], project: nil)
        #expect(configuration.bus.pubSub.project == nil)
        try await close(try await BusFactory.open(configuration, logger: Warnings().logger).bus)
    }

    @Test("the settings reach the bus as they are")
    func settings() async throws {
        let configuration = try await configuration([
            "GOOGLE_APPLICATION_CREDENTIALS": "/k.json", "GOOGLE_SERVICE_ACCOUNT_JSON": "{}", "PUBSUB_TOPIC": "other",
            "PUBSUB_REGION": "europe-west4", "GCE_METADATA_HOST": "127.0.0.1:2",
        ])
        var expected = GoogleBusConfiguration()
        expected.project = "test-project"
        expected.credentialsFile = "/k.json"
        expected.serviceAccountJSON = "{}"
        expected.topic = "other"
        expected.region = "europe-west4"
        expected.emulatorHost = "127.0.0.1:1"
        expected.metadataHost = "127.0.0.1:2"
        #expect(GoogleBusConfiguration(configuration.bus.pubSub) == expected)
        #expect(PubSubConfiguration().topic == GoogleBusConfiguration().topic)
    }
}
