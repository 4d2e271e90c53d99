import CrierTesting
import Foundation

/// One `crier serve` with its own place, ports and proxies: what a VM of a region is to a run.
actor TestVM {
    /// How VMs are started.
    struct Settings: Sendable {
        let executable: String
        let publicFolder: String
        let logs: URL
        let drainSeconds: Int
        /// Added to every VM's environment.
        let environment: [String: String]
    }

    nonisolated let id: String
    nonisolated let region: String
    /// Between readers and the VM.
    nonisolated let front: FaultProxy
    /// Between the VM and the bus; `nil` where the bus is inside.
    nonisolated let back: FaultProxy?
    private let settings: Settings
    private let bus: any BackingBus
    private(set) var port: Int
    private(set) var process: ServerProcess?

    static let regions = ["dfw", "ams", "sin", "lax", "syd", "fra", "nrt", "gru"]

    init(number: Int, bus: any BackingBus, settings: Settings) async throws {
        id = "vm-\(number)"
        region = Self.regions[(number - 1) % Self.regions.count]
        port = try LoopbackPorts.free()
        front = try await FaultProxy.start(target: port, port: LoopbackPorts.free())
        if let port = bus.port {
            back = try await FaultProxy.start(target: port, port: LoopbackPorts.free())
        } else {
            back = nil
        }
        self.bus = bus
        self.settings = settings
    }

    /// The name of its subscription.
    nonisolated var subscription: String { "ID_" + id }

    /// Starts the process and waits until it is ready.
    func start() async throws {
        let process = try launch(port: port)
        self.process = process
        try await Self.awaitReady(process, port: port, id: id)
    }

    /// Starts a second process of the same id on another port, which new connections of readers lead to from then on. The first is left as it is.
    ///
    /// - Returns: the first.
    func startSuccessor() async throws -> ServerProcess? {
        let predecessor = process
        let port = try LoopbackPorts.free()
        let process = try launch(port: port)
        try await Self.awaitReady(process, port: port, id: id)
        self.process = process
        self.port = port
        await front.setTarget(port)
        return predecessor
    }

    func signal(_ signal: Int32) { process?.send(signal) }

    /// Sends SIGKILL and waits for the end.
    func kill() async throws { try await process?.endByKill() }

    /// Waits for the end, which was asked for.
    func end(within bound: Duration) async throws -> Int32? { try await process?.end(within: bound) }

    var isRunning: Bool { process?.isRunning ?? false }

    /// How many file descriptors the process has; `nil` where the system does not tell.
    func descriptors() -> Int? {
        guard let pid = process?.pid else { return nil }
        return try? FileManager.default.contentsOfDirectory(atPath: "/proc/\(pid)/fd").count
    }

    /// Ends everything at once.
    func stop() async {
        process?.send(SIGCONT)
        try? await process?.endByKill()
        await front.stop()
        await back?.stop()
    }

    private func launch(port: Int) throws -> ServerProcess {
        var environment = settings.environment
        environment.merge(bus.environment(through: back?.port ?? 0)) { own, _ in own }
        environment.merge([
            "PATH": ProcessInfo.processInfo.environment["PATH"] ?? "/usr/bin:/bin", "HOST": "127.0.0.1",
            "PORT": String(port), "FLY_ALLOC_ID": id, "FLY_REGION": region, "RATE_LIMITS": "off",
            "TRUSTED_PROXY": "none", "PUBLIC_DIR": settings.publicFolder,
            "DRAIN_SECONDS": String(settings.drainSeconds), "LOG_FORMAT": "json",
        ]) { own, _ in own }
        return try ServerProcess(
            settings.executable, ["serve"], environment: environment, log: settings.logs.appending(path: "\(id).log"))
    }

    private static func awaitReady(_ process: ServerProcess, port: Int, id: String) async throws {
        try await eventually("\(id) to be ready", within: .seconds(30), of: process) {
            (try? await LoopbackHTTP.request("GET", "/ready", port: port, within: .seconds(2)).status) == 200
        }
    }
}
