import CrierTesting

/// The server that a run's VMs share, or none.
protocol BackingBus: Sendable {
    var kind: BusKind { get }
    /// Where the server listens; `nil` where the bus is inside the VM.
    var port: Int? { get }
    /// What tells a VM to use it, where the server is reached through another port.
    func environment(through port: Int) -> [String: String]
    /// Ends the server as a crash would, and starts it again with what it had kept.
    func killAndRestart() async throws
    /// What is left of VMs' subscriptions on the bus.
    func subscriptions() async throws -> [String]
    func stop() async
}

/// What carries alerts between VMs.
public enum BusKind: String, Sendable, CaseIterable {
    /// Inside the process: one VM, for trying the run itself out.
    case memory
    case redis
    case postgres
    /// Cloud Pub/Sub, on Google's emulator.
    case google

    /// As people write it.
    var title: String {
        switch self {
        case .memory: "In process"
        case .redis: "Redis"
        case .postgres: "PostgreSQL"
        case .google: "Google Cloud Pub/Sub, on Google's emulator"
        }
    }

    /// What a table has to say of the runs on this bus.
    var note: String? {
        switch self {
        case .memory, .redis, .postgres: nil
        case .google:
            "The emulator keeps nothing across a restart of its own and has neither `seek` nor filters, so nothing is done to the bus itself. It "
                + "hands out some 1,800 alerts a second at most, so there are half as many as on the other buses, at \(rate) a second."
        }
    }

    /// Every bus that this machine can run: Google's emulator is not Debian's, and is left out where it is not installed.
    public static var available: [BusKind] { [.redis, .postgres] + (PubSubEmulator.isInstalled ? [.google] : []) }

    /// Alerts in a run where nothing else is asked for.
    func alerts(isShort: Bool) -> Int { (isShort ? 600 : 10_000) / (self == .google ? 2 : 1) }

    /// Alerts a second where nothing else is asked for.
    var rate: Int { self == .google ? 50 : 100 }

    func start(_ durability: RedisServer.AppendOnly = .always) async throws -> any BackingBus {
        switch self {
        case .memory: MemoryBacking()
        case .redis: try await RedisBacking.start(durability)
        case .postgres: try await PostgresBacking.start()
        case .google: try await GoogleBacking.start()
        }
    }
}

/// No server.
struct MemoryBacking: BackingBus {
    let kind = BusKind.memory
    let port: Int? = nil

    func environment(through port: Int) -> [String: String] { ["BUS": "memory"] }
    func killAndRestart() async throws {}
    func subscriptions() async throws -> [String] { [] }
    func stop() async {}
}
