import CrierTesting

/// Google's emulator of Pub/Sub for a run. What it had accepted is gone when it is killed.
struct GoogleBacking: BackingBus {
    private static let project = "acceptance"

    let kind = BusKind.google
    let emulator: PubSubEmulator

    static func start() async throws -> GoogleBacking {
        GoogleBacking(emulator: try await PubSubEmulator.start(port: LoopbackPorts.free()))
    }

    var port: Int? { emulator.port }

    func environment(through port: Int) -> [String: String] {
        ["BUS": "google", "GOOGLE_CLOUD_PROJECT": Self.project, "PUBSUB_EMULATOR_HOST": "127.0.0.1:\(port)"]
    }

    func killAndRestart() async throws { try await emulator.killAndRestart() }

    func subscriptions() async throws -> [String] { try await emulator.subscriptions(of: Self.project) }

    func stop() async { try? await emulator.stop() }
}
