import CrierTesting

/// A PostgreSQL server for a run.
struct PostgresBacking: BackingBus {
    let kind = BusKind.postgres
    let server: PostgresServer

    static func start() async throws -> PostgresBacking {
        PostgresBacking(server: try await PostgresServer.start(port: LoopbackPorts.free()))
    }

    var port: Int? { server.port }

    func environment(through port: Int) -> [String: String] {
        ["BUS": "postgres", "DATABASE_URL": server.url(port: port)]
    }

    func killAndRestart() async throws { try await server.killAndRestart() }

    func subscriptions() async throws -> [String] {
        try await server.query("SELECT name FROM crier.subscription").split(separator: "\n").map(String.init)
    }

    func stop() async { try? await server.stop() }
}
