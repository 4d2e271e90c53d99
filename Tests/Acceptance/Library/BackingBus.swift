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

    /// As people write it.
    var title: String {
        switch self {
        case .memory: "In process"
        case .redis: "Redis"
        case .postgres: "PostgreSQL"
        }
    }

    func start(_ durability: RedisServer.AppendOnly = .always) async throws -> any BackingBus {
        switch self {
        case .memory: MemoryBacking()
        case .redis: try await RedisBacking.start(durability)
        case .postgres: try await PostgresBacking.start()
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
