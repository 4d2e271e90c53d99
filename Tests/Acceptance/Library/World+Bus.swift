import CrierTesting
import Foundation

// Faults of the bus.
extension World {
    /// Kills the bus five times, with even pauses.
    func killBus(times: Int, until end: ContinuousClock.Instant) async throws {
        let pause = (end - .now) / (times + 1)
        for _ in 1...times {
            try await ContinuousClock().sleep(for: pause)
            try await bus.killAndRestart()
        }
    }

    /// Makes a replica the bus, one that misses what was published in the last moments.
    func failOver() async throws {
        guard let redis = bus as? RedisBacking, let port = redis.port else { return }
        let link = try await FaultProxy.start(target: port, port: LoopbackPorts.free())
        stopAtEnd { await link.stop() }
        let replica = try await RedisServer.start(port: LoopbackPorts.free(), replicaOf: link.port)
        try await eventually("the replica's copy") {
            try await replica.command(["INFO", "replication"]).contains("master_link_status:up")
        }
        try await ContinuousClock().sleep(for: .seconds(4))
        // One VM misses what the others have and the replica has not: it gets it late.
        await link.set(.drop)
        await vms.last?.back?.set(.drop)
        try await ContinuousClock().sleep(for: .seconds(1))
        try await redis.server.kill()
        try await replica.command(["REPLICAOF", "NO", "ONE"])
        for vm in vms {
            await vm.back?.setTarget(replica.port)
            await vm.back?.resetConnections()
            await vm.back?.set(.none)
        }
        let old = bus
        stopAtEnd { await old.stop() }
        bus = RedisBacking(server: replica)
    }

    /// What operators, schedulers and full machines do to a bus.
    func troubleBus(until end: ContinuousClock.Instant) async throws {
        if let redis = bus as? RedisBacking {
            let pause = (end - .now) / 6
            let full: [String] = ["CONFIG", "SET", "maxmemory", "1mb"]
            for command in [["CLIENT", "KILL", "TYPE", "normal"], ["SCRIPT", "FLUSH"], ["FLUSHALL"], full] {
                try await ContinuousClock().sleep(for: pause)
                try await redis.server.command(command)
                if command.first == "CLIENT" { try await redis.server.command(["CLIENT", "KILL", "TYPE", "pubsub"]) }
            }
            try await ContinuousClock().sleep(for: .seconds(3))
            try await redis.server.command(["CONFIG", "SET", "maxmemory", "0"])
        } else if let postgres = bus as? PostgresBacking {
            let pause = (end - .now) / 6
            for _ in 1...5 {
                try await ContinuousClock().sleep(for: pause)
                try await postgres.server.query(
                    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'crier'")
            }
        }
    }

    /// Puts two of the VMs far away from the bus.
    func moveAway(until end: ContinuousClock.Instant) async throws {
        for vm in vms.prefix(2) { await vm.back?.set(.delay(.milliseconds(75))) }
        try await ContinuousClock().sleep(until: end)
    }
}
