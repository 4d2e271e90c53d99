import ArgumentParser
import NIOCore
import NIOPosix
import StrictJSON

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// `crier bench`: opens sockets, publishes, and measures what reaches them.
struct BenchCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "bench",
        abstract: "Measure fan-out: many sockets on one topic, alerts as fast as they are delivered.",
        discussion: """
            The server has to run with RATE_LIMITS=off, since all sockets come from \
            one address. Its CPU time and memory are read from its /metrics. Every \
            socket checks that no alert is lost, doubled or reordered.

              crier bench --sockets 1000 --in-flight 8 --seconds 10
              crier bench --sockets 10000 --rate 50 --json
              crier bench --server http://localhost:8081 --server http://localhost:8082

            Sockets and alerts are spread evenly over several servers, which have to \
            be on one bus. With --rate, alerts are published at that many a second whatever happens \
            to them, and latencies are measured from when each was due.
            """)

    @Option(help: "Address of the server; may be repeated. Default: \(ServerURL.local).")
    var server: [ServerURL] = []

    @Option(help: "Sockets to open.")
    var sockets = 1000

    @Option(help: "Alerts that may be on their way at once.")
    var inFlight = 8

    @Option(help: "Alerts a second; without it, as many as are delivered.")
    var rate: Int?

    @Option(help: "Bytes of each alert's text, 24 to 4096.")
    var payload = 100

    @Option(help: "Seconds to measure, after a second to warm up.")
    var seconds = 10

    @Option(help: "Event loops of this tool.")
    var threads = 1

    @Option(help: "Topic to use.")
    var topic = "bench"

    @Flag(help: "Print one JSON object instead of text.")
    var json = false

    func validate() throws {
        guard server.allSatisfy({ $0.description.lowercased().hasPrefix("http://") }) else {
            throw ValidationError("bench measures servers without TLS: give an http:// address")
        }
        guard (1...1_000_000).contains(sockets) else { throw ValidationError("--sockets is 1 to 1000000") }
        guard (1...4096).contains(inFlight) else { throw ValidationError("--in-flight is 1 to 4096") }
        guard (24...4096).contains(payload) else { throw ValidationError("--payload is 24 to 4096") }
        guard (1...3600).contains(seconds) else { throw ValidationError("--seconds is 1 to 3600") }
        guard (1...64).contains(threads) else { throw ValidationError("--threads is 1 to 64") }
        if let rate, !(1...100_000).contains(rate) { throw ValidationError("--rate is 1 to 100000") }
        guard TopicName(argument: topic) != nil else { throw ValidationError("--topic is [-_A-Za-z0-9]{1,64}") }
    }

    func run() async throws {
        signal(SIGPIPE, SIG_IGN)
        let eventLoops = MultiThreadedEventLoopGroup(numberOfThreads: threads)
        let load = LoadGenerator(
            plan: LoadPlan(
                servers: server.isEmpty ? [.local] : server, sockets: sockets, inFlight: inFlight, rate: rate,
                payload: payload, seconds: seconds,
                topic: topic),
            eventLoops: eventLoops)
        do {
            let report = try await load.run()
            print(json ? report.json : report.text)
            try await eventLoops.shutdownGracefully()
            if !report.isCorrect { throw ExitCode(1) }
        } catch let error as LoadFailure {
            try? await eventLoops.shutdownGracefully()
            StandardStreams.note(error.description)
            throw ExitCode(ClientExit.unavailable)
        }
    }
}
