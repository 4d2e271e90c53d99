import ArgumentParser
import StrictJSON

/// Several topics with commas between them, or `*`.
struct TopicList: Sendable, Equatable, ExpressibleByArgument {
    let texts: [String]

    init?(argument: String) {
        let parts = argument.split(separator: ",", omittingEmptySubsequences: false).map(String.init)
        guard parts == ["*"] || parts.allSatisfy({ TopicName(argument: $0) != nil }) else { return nil }
        texts = parts
    }
}

/// `crier subscribe`: prints alerts as they come.
struct SubscribeCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "subscribe",
        abstract: "Follow topics and print their alerts.",
        discussion: """
            One line an alert, in order and none twice. When the connection is lost, it is made again and goes on \
            where it ended; what is gone by then is announced on standard error, as is everything else that is not \
            an alert.

              crier subscribe alien-landings deploys
              crier subscribe '*' --since 1h --filter-priority 4,5
              crier subscribe backups --json --count 1 | jq -r .message

            Exit status: 0 all alerts that were asked for are printed, or nobody reads them any more; 64 wrong \
            usage; 65 the server refused; 69 the connection ended and --no-reconnect was given; 74 standard output \
            cannot be written.
            """)

    @Argument(help: ArgumentHelp("The topics to follow; '*' for all.", valueName: "topic"))
    var topics: [TopicList]

    @Option(
        help: ArgumentHelp(
            "Begin with older alerts: an alert's id, 10m, 2h, Unix seconds, all, latest or none.", valueName: "point"))
    var since: String?

    @Flag(help: "Print alerts as the server's JSON, one a line.")
    var json = false

    @Option(help: ArgumentHelp("Only these priorities, 1 to 5.", valueName: "n,…"))
    var filterPriority: String?

    @Option(help: ArgumentHelp("Only alerts that have all these tags.", valueName: "tag,…"))
    var filterTags: String?

    @Option(help: ArgumentHelp("End after this many alerts.", valueName: "n"))
    var count: Int?

    @Flag(help: "End when the connection does.")
    var noReconnect = false

    @OptionGroup var serverOptions: ServerOptions

    func validate() throws {
        if topics.flatMap(\.texts).contains("*"), topics.flatMap(\.texts).count > 1 {
            throw ValidationError("'*' stands for all topics and cannot be given with others.")
        }
        if let count, count < 1 { throw ValidationError("--count must be at least 1.") }
        if let filterPriority,
            !filterPriority.split(separator: ",", omittingEmptySubsequences: false)
                .allSatisfy({ AlertPriority(argument: String($0)) != nil })
        {
            throw ValidationError("--filter-priority takes priorities from 1 to 5 with commas between them.")
        }
        _ = try serverOptions.resolvedServer(environment: StandardStreams.environment)
        _ = try serverOptions.resolvedToken(environment: StandardStreams.environment)
    }

    func run() async throws {
        StandardStreams.ignoreBrokenPipes()
        let feed = Feed(
            server: try serverOptions.resolvedServer(environment: StandardStreams.environment),
            token: try serverOptions.resolvedToken(environment: StandardStreams.environment),
            topics: topics.flatMap(\.texts), filters: filters, reconnects: !noReconnect)
        let printer = AlertPrinter(isJSON: json, isTerminal: StandardStreams.isOutputTerminal)
        let state = FeedState(since: since, count: count)
        do {
            try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask {
                    try await feed.follow(from: state) { (alert, json) throws(StandardStreams.OutputError) in
                        try StandardStreams.printLine(printer.line(alert, json))
                    }
                }
                // A reader that has gone shows only when something is written; a quiet topic would keep the command
                // alive for nobody.
                group.addTask {
                    while !StandardStreams.isOutputAbandoned { try await Task.sleep(for: .milliseconds(250)) }
                    throw StandardStreams.OutputError.brokenPipe
                }
                defer { group.cancelAll() }
                try await group.next()
            }
        } catch let error as StandardStreams.OutputError {
            // Whoever read and has gone has what it wanted; a full disk has not.
            guard error.isBrokenPipe else {
                StandardStreams.note("cannot write: \(error.reason)")
                throw ExitCode(ClientExit.outputFailed)
            }
        }
    }

    /// The filters as query items.
    var filters: [(name: String, value: String)] {
        let levels = filterPriority?.split(separator: ",").compactMap { AlertPriority(argument: String($0))?.level }
        var filters: [(name: String, value: String)] = []
        if let levels { filters.append(("priority", levels.map(String.init).joined(separator: ","))) }
        if let filterTags { filters.append(("tags", filterTags)) }
        return filters
    }
}

/// How alerts look on standard output.
struct AlertPrinter: Sendable {
    let isJSON: Bool
    /// Whether a terminal shows them, which harmful characters must not reach. A program gets the JSON byte by byte as
    /// it came.
    let isTerminal: Bool

    func line(_ alert: FeedAlert, _ json: [UInt8]) -> [UInt8] {
        guard isJSON else { return Array(alert.line.utf8) }
        return isTerminal ? PrintableText.escapedJSON(json) : json
    }
}
