import Gateway
import GoogleBus
import Logging
import MessageBus
import PostgresBus
import RedisBus

/// The one place that knows which bus a deployment has, and which store beside it.
enum BusFactory {
    typealias Opened = (bus: any MessageBus, store: any SharedStore)

    /// - Throws: `ConfigurationError` for an address, a key or a name that is none. A backend that is away is no error: it is waited for.
    static func open(_ configuration: ServerConfiguration, logger: Logger) async throws -> Opened {
        let bus = configuration.bus
        switch bus.kind {
        case .memory: return (try await InProcessBus.open(retention: configuration.retention), InProcessStore())
        case .redis: return try redis(bus, logger: logger)
        case .postgres: return try postgres(bus, logger: logger)
        case .google:
            let store = try storeBesideGoogle(bus, logger: logger)
            return (try google(configuration, logger: logger), store)
        }
    }

    /// Pub/Sub keeps no small values, so they are kept where else there is a place that all VMs share: in the Redis or database that the settings name, whose bus
    /// is not used. Where they name none each VM keeps its own.
    static func storeBesideGoogle(
        _ bus: BusConfiguration, logger: Logger
    ) throws(ConfigurationError) -> any SharedStore {
        if bus.redisURL != nil { return try redis(bus, logger: logger).store }
        if bus.databaseURL != nil { return try postgres(bus, logger: logger).store }
        logger.warning(
            "sessions and who is in a room are this VM's own: Pub/Sub keeps none; set REDIS_URL or DATABASE_URL to share them"
        )
        return InProcessStore()
    }

    private static func redis(_ bus: BusConfiguration, logger: Logger) throws(ConfigurationError) -> Opened {
        do throws(RedisURLError) {
            return try RedisBus.makeWithStore(
                url: bus.redisURL ?? "", namespace: bus.namespace, logCount: bus.logCount, logger: logger)
        } catch {
            throw ConfigurationError(key: "REDIS_URL", "\(error)")
        }
    }

    private static func postgres(_ bus: BusConfiguration, logger: Logger) throws(ConfigurationError) -> Opened {
        do throws(PostgresURLError) {
            return try PostgresBus.makeWithStore(
                url: bus.databaseURL ?? "", directURL: bus.databaseDirectURL, namespace: bus.namespace,
                logCount: bus.logCount, logger: logger)
        } catch {
            throw ConfigurationError(key: error.setting, error.reason)
        }
    }

    private static func google(
        _ configuration: ServerConfiguration, logger: Logger
    ) throws(ConfigurationError) -> any MessageBus {
        do throws(GoogleBusSetupError) {
            return try GoogleBus.make(
                GoogleBusConfiguration(configuration.bus.pubSub), vm: configuration.vm,
                retention: configuration.retention, logger: logger)
        } catch {
            throw ConfigurationError(key: error.setting, error.reason)
        }
    }
}

extension GoogleBusConfiguration {
    /// The settings as the bus has them, which knows nothing of the gateway.
    init(_ settings: PubSubConfiguration) {
        self.init()
        project = settings.project
        credentialsFile = settings.credentialsFile
        serviceAccountJSON = settings.serviceAccountJSON
        topic = settings.topic
        region = settings.region
        emulatorHost = settings.emulatorHost
        metadataHost = settings.metadataHost
    }
}
