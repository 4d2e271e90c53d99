import Hummingbird
import Logging
import NIOCore
import NIOPosix

/// The HTTP framework with one route that reads a body and answers as many bytes as Crier does, and nothing else: what publishing over HTTP is
/// measured beside. `bare-hummingbird <port>`, on one event loop.
@main
enum Main {
    static func main() async throws {
        let port = CommandLine.arguments.last.flatMap { Int($0) } ?? 8080
        let router = Router()
        let text = String(repeating: "x", count: 190)
        let answer = #"{"id":"0eKKkf000001","event":"message","message":"\#(text)"}"# + "\n"
        router.post("/:topic") { request, _ in
            let body = try await request.body.collect(upTo: 65_536)
            return Response(
                status: body.readableBytes > 0 ? .ok : .badRequest, headers: [.contentType: "application/json"],
                body: .init(byteBuffer: ByteBuffer(string: answer)))
        }
        router.get("/health") { _, _ in "ok" }
        var logger = Logger(label: "bare-hummingbird")
        logger.logLevel = .error
        let application = Application(
            router: router, configuration: .init(address: .hostname("127.0.0.1", port: port)),
            eventLoopGroupProvider: .shared(MultiThreadedEventLoopGroup(numberOfThreads: 1)), logger: logger)
        try await application.runService()
    }
}
