import AsyncHTTPClient
import NIOCore

/// Asks the servers' /metrics what their processes use.
struct ServerProbe: Sendable {
    /// The sum over the servers.
    struct Usage: Equatable, Sendable {
        /// CPU time that they have used, in seconds.
        var cpuSeconds = 0.0
        /// Resident memory, in bytes.
        var residentBytes = 0.0
    }

    private static let patience = TimeAmount.seconds(30)
    private static let longest = 16 << 20

    private let servers: [ServerURL]
    private let client = HTTPClient.forCommand(readTimeout: patience)

    /// ``close()`` has to follow.
    init(_ servers: [ServerURL]) { self.servers = servers }

    func close() async throws { try await client.shutdown() }

    /// - Returns: `nil` where a server has no such page, or says nothing of its process.
    /// - Throws: ``LoadFailure`` where it does not answer.
    func read() async throws(LoadFailure) -> Usage? {
        var sum = Usage()
        for server in servers {
            guard let one = Self.usage(from: try await page(of: server)) else { return nil }
            sum.cpuSeconds += one.cpuSeconds
            sum.residentBytes += one.residentBytes
        }
        return sum
    }

    private func page(of server: ServerURL) async throws(LoadFailure) -> String {
        do {
            let request = HTTPClientRequest(url: server.path("metrics"), token: nil)
            let response = try await client.execute(request, timeout: Self.patience)
            return String(buffer: try await response.body.collect(upTo: Self.longest))
        } catch {
            throw LoadFailure(description: "cannot read \(server.path("metrics")): \(ClientExit.reason(error))")
        }
    }

    /// - Parameter page: in Prometheus' text format.
    static func usage(from page: String) -> Usage? {
        guard let cpu = value(of: "process_cpu_seconds_total", in: page),
            let memory = value(of: "process_resident_memory_bytes", in: page)
        else { return nil }
        return Usage(cpuSeconds: cpu, residentBytes: memory)
    }

    private static func value(of name: String, in page: String) -> Double? {
        for line in page.split(separator: "\n") where line.hasPrefix(name + " ") {
            return Double(line.dropFirst(name.count + 1))
        }
        return nil
    }
}
