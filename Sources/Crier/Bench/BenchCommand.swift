import ArgumentParser
import NIOCore
import Reactor

/// `crier bench`: opens sockets, publishes, and measures what reaches them.
struct BenchCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "bench",
        abstract: "Measure fan-out: many sockets on one topic, alerts as fast as they are delivered.",
        discussion: """
            The server has to run with RATE_LIMITS=off, since all sockets come from \
            one address. Its CPU time and memory are read from its /metrics. Every \
            socket checks that no alert is lost, duplicated or reordered; the exit \
            status is 1 if one is.

              crier bench --sockets 1000 --in-flight 8 --seconds 10
              crier bench --sockets 10000 --form sse --rate 50 --json
              crier bench --server http://localhost:8081 --server http://localhost:8082

            Sockets and alerts are spread evenly over several servers, which have to \
            be on one bus. With --rate, alerts are published at that many a second whatever happens \
            to them, and latencies are measured from when each was due.
            """)

    @Option(help: "Address of the server; may be repeated. Default: \(ServerURL.local).")
    var server: [ServerURL] = []

    @Option(help: "How the sockets read: ws (WebSocket) or sse (server-sent events).")
    var form = LoadPlan.Form.ws

    @Option(help: "Sockets to open.")
    var sockets = 1000

    @Option(help: "Sockets that are being opened at any moment.")
    var connectionsAtOnce = 256

    @Option(help: "Alerts that may be on their way at once.")
    var inFlight = 8

    @Option(help: "Alerts a second; without it, as many as are delivered.")
    var rate: Int?

    @Option(help: "Bytes of each alert's text, 24 to 4096.")
    var payload = 100

    @Option(help: "Seconds to measure, after a second to warm up.")
    var seconds = 10

    @Option(help: "Threads of this tool.")
    var threads = 1

    @Option(help: "Topic to use.")
    var topic = "bench"

    @Flag(help: "Print one JSON object instead of text.")
    var json = false

    func validate() throws {
        guard server.allSatisfy({ $0.description.lowercased().hasPrefix("http://") }) else {
            throw ValidationError("bench measures servers without TLS: give an http:// address")
        }
        guard server.count <= 64 else { throw ValidationError("--server may be repeated 64 times") }
        guard (1...1_000_000).contains(sockets) else { throw ValidationError("--sockets is 1 to 1000000") }
        guard (1...10_000).contains(connectionsAtOnce) else {
            throw ValidationError("--connections-at-once is 1 to 10000")
        }
        guard (1...4096).contains(inFlight) else { throw ValidationError("--in-flight is 1 to 4096") }
        guard (24...4096).contains(payload) else { throw ValidationError("--payload is 24 to 4096") }
        guard (1...3600).contains(seconds) else { throw ValidationError("--seconds is 1 to 3600") }
        guard (1...64).contains(threads) else { throw ValidationError("--threads is 1 to 64") }
        if let rate, !(1...100_000).contains(rate) { throw ValidationError("--rate is 1 to 100000") }
        guard TopicName(argument: topic) != nil else { throw ValidationError("--topic is [-_A-Za-z0-9]{1,64}") }
    }

    func run() async throws {
        StandardStreams.ignoreBrokenPipes()
        let plan = LoadPlan(
            servers: server.isEmpty ? [.local] : server, form: form, sockets: sockets,
            connectionsAtOnce: connectionsAtOnce, threads: min(threads, sockets), inFlight: inFlight, rate: rate,
            payload: payload, seconds: seconds, topic: topic)
        let loops = try ReactorLoopGroup(count: plan.threads)
        do {
            let report = try await LoadRun(plan, on: loops).run()
            try await loops.shutdownGracefully()
            print(json ? report.json : report.text)
            if !report.isCorrect { throw ExitCode(1) }
        } catch let error as LoadFailure {
            try? await loops.shutdownGracefully()
            StandardStreams.note(error.description)
            throw ExitCode(ClientExit.unavailable)
        }
    }
}
