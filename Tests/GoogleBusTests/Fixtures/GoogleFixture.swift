import CrierTesting
import Logging
import MessageBus

@testable import GoogleBus

/// Says nothing, so that tests' output stays readable.
let quiet = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }

/// No two VMs have the same boot id.
func vm(_ id: String, boot: String? = nil) -> VMIdentity {
    VMIdentity(id: id, region: "here", boot: boot ?? "boot-\(id)")!
}

func draft(_ body: String, key: String? = nil, topic: String = "tests") -> Draft {
    Draft(
        topic: Topic(topic)!, content: AlertContent(message: body), time: WallClock.system.now(), sender: nil,
        region: "here", key: key)
}

/// Google's emulator and the VMs that a test lets use it, which all end with the test.
struct GoogleWorld: Sendable {
    let emulator: PubSubEmulator
    let topic: String
    let timing: ReplicaTiming

    func configuration(host: String? = nil) -> GoogleBusConfiguration {
        var configuration = GoogleBusConfiguration()
        configuration.project = "crier-tests"
        configuration.topic = topic
        configuration.emulatorHost = host ?? emulator.host
        return configuration
    }

    /// Pub/Sub itself. Whoever has it shuts it down.
    func service(host: String? = nil) throws -> PubSubAPI { try PubSubAPI(configuration(host: host), logger: quiet) }

    /// Asks Pub/Sub itself.
    func withService<Result>(_ body: (PubSubAPI) async throws -> Result) async throws -> Result {
        let service = try service()
        return try await perform {
            try await body(service)
        } finally: {
            await service.shutdown()
        }
    }

    /// A VM's bus.
    ///
    /// - Parameter service: its way to Pub/Sub, where that is not to be one of its own.
    func bus(
        _ vm: VMIdentity, on service: (any TopicService)? = nil,
        retention: Retention = Retention(count: 2_000, age: 0)
    ) throws -> SharedLogBus<GoogleLogStore> {
        let replica = Replica(
            try service ?? self.service(), vm: vm, retention: retention, timing: timing, logger: quiet)
        return SharedLogBus(store: GoogleLogStore(replica), logger: quiet)
    }
}

/// Runs something against an emulator of its own, which is stopped whatever comes of it.
func withEmulator(timing: ReplicaTiming = ReplicaTiming(), _ body: (GoogleWorld) async throws -> Void) async throws {
    let emulator = try await PubSubEmulator.start()
    try await perform {
        try await body(GoogleWorld(emulator: emulator, topic: "ALIEN_NOTIFICATIONS", timing: timing))
    } finally: {
        try await emulator.stop()
    }
}

/// Uses a bus once it has its place, and closes it whatever comes of that.
func using<Result>(
    _ bus: SharedLogBus<GoogleLogStore>, _ body: (SharedLogBus<GoogleLogStore>) async throws -> Result
) async throws -> Result {
    try await perform {
        try await open(bus)
        return try await body(bus)
    } finally: {
        await bus.close()
    }
}

/// Waits until the bus knows where the log stands.
func open(_ bus: SharedLogBus<GoogleLogStore>) async throws {
    _ = try await insist { try await bus.store.open(seen: .origin) }
}
