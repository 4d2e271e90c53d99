import CrierTesting
import NIOPosix

/// A WebSocket server on the product's transport that sends everything back, for conformance suites: `crier-echo <port>`.
@main
enum Main {
    static func main() async throws {
        let port = CommandLine.arguments.last.flatMap { Int($0) } ?? 0
        let server = try await EchoServer.start(port: port, on: MultiThreadedEventLoopGroup.singleton)
        print("echo listens on \(server.port)")
        try await server.run()
    }
}
