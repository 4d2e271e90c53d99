import CrierTesting

/// A Redis server for a run.
struct RedisBacking: BackingBus {
    let kind = BusKind.redis
    let server: RedisServer

    static func start(_ durability: RedisServer.AppendOnly) async throws -> RedisBacking {
        RedisBacking(server: try await RedisServer.start(appendOnly: durability, port: LoopbackPorts.free()))
    }

    var port: Int? { server.port }

    func environment(through port: Int) -> [String: String] {
        ["BUS": "redis", "REDIS_URL": "redis://127.0.0.1:\(port)/0"]
    }

    func killAndRestart() async throws { try await server.killAndRestart() }

    func subscriptions() async throws -> [String] { try await Self.subscriptions(on: server) }

    static func subscriptions(on server: RedisServer) async throws -> [String] {
        let keys = try await server.command(["KEYS", "*ID_*"]).split(separator: "\n").map(String.init)
        let registered = try await server.command(["ZRANGE", "{crier}:vms", "0", "-1"]).split(separator: "\n").map(
            String.init)
        let channels = try await server.command(["PUBSUB", "CHANNELS", "*ID_*"]).split(separator: "\n").map(String.init)
        return (keys + registered + channels).filter { !$0.isEmpty }
    }

    func stop() async { try? await server.stop() }
}
