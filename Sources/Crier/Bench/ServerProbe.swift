import AsyncHTTPClient
import NIOCore

/// What the servers' /metrics say of their processes.
struct ServerProbe: Sendable {
    /// CPU time that it has used, in seconds.
    let cpuSeconds: Double
    /// Resident memory, in bytes.
    let residentBytes: Double

    /// The sum over several servers.
    static func read(_ servers: [ServerURL]) async throws -> ServerProbe {
        var sum = ServerProbe(cpuSeconds: 0, residentBytes: 0)
        for server in servers {
            let one = try await read(server)
            sum = ServerProbe(
                cpuSeconds: sum.cpuSeconds + one.cpuSeconds, residentBytes: sum.residentBytes + one.residentBytes)
        }
        return sum
    }

    private static func read(_ server: ServerURL) async throws -> ServerProbe {
        let client = HTTPClient.forCommand(readTimeout: .seconds(30))
        do {
            let response = try await client.execute(
                HTTPClientRequest(url: server.path("metrics"), token: nil), timeout: .seconds(30))
            let text = String(buffer: try await response.body.collect(upTo: 16 << 20))
            try await client.shutdown()
            guard let cpu = value(of: "process_cpu_seconds_total", in: text),
                let memory = value(of: "process_resident_memory_bytes", in: text)
            else { throw LoadFailure(description: "the server's /metrics say nothing of its process") }
            return ServerProbe(cpuSeconds: cpu, residentBytes: memory)
        } catch let failure as LoadFailure {
            throw failure
        } catch {
            try? await client.shutdown()
            throw LoadFailure(description: "cannot read \(server.path("metrics")): \(error)")
        }
    }

    private static func value(of name: String, in text: String) -> Double? {
        for line in text.split(separator: "\n") where line.hasPrefix(name + " ") {
            return Double(line.dropFirst(name.count + 1))
        }
        return nil
    }
}
