import AsyncHTTPClient
import Logging
import MessageBus

/// What Crier asks of Google Cloud Pub/Sub, over its REST interface (v1).
///
/// - Each call ends within four seconds, the wait for a token included; `pull` within three seconds after the time that it is given. Cancelling
///   the task ends it soon.
/// - Nothing is tried again by itself, except for a call that was refused with 401: once, with another token.
/// - All methods may be called from any task, concurrently. `shutdown` has to be the last one.
struct PubSubAPI: Sendable {
    let configuration: GoogleBusConfiguration
    let endpoints: GoogleEndpoints
    let project: Project
    let credentials: Credentials
    let exchange: HTTPExchange
    let timing: PubSubTiming
    private let client: HTTPClient

    /// Checks the settings, and reads the key where they name one. Nothing is connected.
    init(_ configuration: GoogleBusConfiguration, logger: Logger) throws(GoogleBusSetupError) {
        try self.init(configuration, at: try GoogleEndpoints(configuration), logger: logger)
    }

    init(
        _ configuration: GoogleBusConfiguration, at endpoints: GoogleEndpoints, timing: PubSubTiming = .init(),
        clock: WallClock = .system, logger: Logger
    ) throws(GoogleBusSetupError) {
        guard ResourceNames.isValid(configuration.topic) else {
            throw GoogleBusSetupError(
                "PUBSUB_TOPIC",
                """
                “\(configuration.topic)” is no name for a topic: 3 to 255 letters, digits and -_.~+%, a letter first, not beginning with goog
                """)
        }
        let key = endpoints.isEmulator ? nil : try ServiceAccountKey.load(configuration)
        project = try Project(configuration, key: key, isEmulated: endpoints.isEmulator)
        self.configuration = configuration
        self.endpoints = endpoints
        self.timing = timing
        client = HTTPExchange.makeClient(timing)
        exchange = HTTPExchange(client)
        if endpoints.isEmulator {
            credentials = .none
        } else if let key {
            let tokens = ServiceAccountTokens(key, over: exchange, clock: clock, within: timing.call)
            credentials = .key(TokenKeeper(tokens, clock: clock, logger: logger), account: key.email)
        } else {
            let server = MetadataServer(endpoints.metadata, over: exchange, within: timing.connect)
            credentials = .machine(TokenKeeper(server, clock: clock, logger: logger), server)
        }
    }

    /// Ends all calls and connections.
    func shutdown() async {
        await credentials.keeper?.shutdown()
        try? await client.shutdown()
    }
}
