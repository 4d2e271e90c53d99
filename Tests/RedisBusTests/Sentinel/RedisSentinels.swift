import CrierTesting
import Foundation

/// Sentinels of a test's own that watch one master, named `mymaster`.
final class RedisSentinels: Sendable {
    let ports: [Int]
    private let processes: [ServerProcess]
    private let directory: URL
    private let master: RedisServer

    var url: String { "redis+sentinel://" + ports.map { "127.0.0.1:\($0)" }.joined(separator: ",") + "/mymaster" }

    static func start(count: Int, master: RedisServer) async throws -> RedisSentinels {
        let sentinels = try RedisSentinels(count: count, master: master)
        for port in sentinels.ports {
            try await eventually("a Sentinel's answer") {
                try await master.command(["-p", String(port), "PING"]) == "PONG"
            }
        }
        return sentinels
    }

    private init(count: Int, master: RedisServer) throws {
        directory = FileManager.default.temporaryDirectory.appending(path: "sentinels-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: directory, withIntermediateDirectories: true)
        var ports: [Int] = []
        var processes: [ServerProcess] = []
        for index in 0..<count {
            let port = try ServerProcess.freePort()
            let file = directory.appending(path: "\(index).conf")
            try """
            port \(port)
            bind 127.0.0.1
            protected-mode no
            dir \(directory.path)
            sentinel monitor mymaster 127.0.0.1 \(master.port) \(count / 2 + 1)
            sentinel down-after-milliseconds mymaster 500
            sentinel failover-timeout mymaster 3000
            """.write(to: file, atomically: true, encoding: .utf8)
            processes.append(
                try ServerProcess(
                    ServerProcess.find("redis-server"), [file.path, "--sentinel"], in: directory,
                    log: directory.appending(path: "\(index).log")))
            ports.append(port)
        }
        self.ports = ports
        self.processes = processes
        self.master = master
    }

    /// Waits until each knows of the others and of the master's replica, and finds the replica fit to take over.
    func awaitReplica() async throws {
        for port in ports {
            try await eventually("a Sentinel's view", within: .seconds(30)) {
                let view = try await self.master.command(["-p", String(port), "SENTINEL", "ckquorum", "mymaster"])
                let replicas = try await self.master.command(["-p", String(port), "SENTINEL", "replicas", "mymaster"])
                let state = try await self.master.command(["-p", String(port), "SENTINEL", "master", "mymaster"])
                let lines = state.split(separator: "\n").map(String.init)
                let others = lines.firstIndex(of: "num-other-sentinels").map { lines[$0 + 1] }
                return view.hasPrefix("OK") && replicas.contains("master-link-status\nok")
                    && others == String(self.ports.count - 1)
            }
        }
    }

    func stop() async throws {
        for process in processes { try await process.endByKill() }
        try? FileManager.default.removeItem(at: directory)
    }
}
