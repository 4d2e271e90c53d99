import CrierTesting
import Reactor

#if canImport(Musl)
    import Musl
#else
    import Glibc
#endif

/// A WebSocket server on the product's transport that sends everything back, for conformance suites: `crier-echo <port>`.
@main
enum Main {
    static func main() async throws {
        let port = CommandLine.arguments.last.flatMap { Int($0) } ?? 0
        let server = try await EchoServer.start(port: port, on: .shared)
        print("echo listens on \(server.port)")
        // Whoever waits for the line reads it through a pipe.
        fflush(nil)
        while true { pause() }
    }
}
