import ArgumentParser
import AsyncHTTPClient
import NIOCore
import NIOHTTP1
import StrictJSON

/// `crier publish`: raises one alert.
struct PublishCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "publish",
        abstract: "Raise an alert.",
        discussion: """
            Prints the alert's id once the server holds it. Every alert is sent with a key, and again with the same \
            key when the server cannot be reached or is busy: it is raised once, however often it was sent.

              crier publish alien-landings Aliens over Sydney
              crier publish backups --priority high --tags db1 < backup.log
              crier publish deploys --key "$(git rev-parse HEAD)" Deployed

            Exit status: 0 the alert is raised; 64 wrong usage; 65 the server refused it; 69 the server is not \
            available.
            """)

    @Argument(help: "Where to raise it: letters, digits, - and _, at most 64.")
    var topic: TopicName

    @Argument(
        help: ArgumentHelp(
            "The text. Without words, or with - for them, it is read from standard input.", valueName: "message"))
    var words: [String] = []

    @Option(help: "A title, at most 256 bytes.")
    var title: String?

    @Option(help: "How urgent it is: 1 to 5, or min, low, default, high, max.")
    var priority: AlertPriority?

    @Option(help: ArgumentHelp("Tags, separated by commas; may be repeated.", valueName: "tag,…"))
    var tags: [String] = []

    @Option(help: ArgumentHelp("A link to open, http or https.", valueName: "url"))
    var click: String?

    @Option(help: ArgumentHelp("Raise it later: 30s, 10m, 2h, 1d or Unix seconds, at most 3 days.", valueName: "time"))
    var delay: String?

    @Option(help: ArgumentHelp("Do not replay it after this: a duration or Unix seconds.", valueName: "time"))
    var expires: String?

    @Option(
        help: ArgumentHelp(
            "1 to 128 ASCII characters without blanks. The same key again within 5 minutes raises nothing. Default: random."
        ))
    var key: String?

    @Option(help: ArgumentHelp("Any JSON value to go with it.", valueName: "json"))
    var data: JSONArgument?

    @Flag(help: "The text is Markdown.")
    var markdown = false

    @Flag(help: "Print the server's answer in place of the id.")
    var json = false

    @Option(help: ArgumentHelp("How long to go on trying.", valueName: "seconds"))
    var retryFor: Double = 30

    @OptionGroup var serverOptions: ServerOptions

    func validate() throws {
        if let key, !IdempotencyKey.isValid(key) {
            throw ValidationError("The key must have 1 to 128 printable ASCII characters without blanks.")
        }
        guard (0...86_400).contains(retryFor) else {
            throw ValidationError("--retry-for must be between 0 and 86400 seconds.")
        }
        _ = try serverOptions.resolvedServer(environment: StandardStreams.environment)
        _ = try serverOptions.resolvedToken(environment: StandardStreams.environment)
    }

    func run() async throws {
        StandardStreams.ignoreBrokenPipes()
        let draft = try draft(message: message(), key: key)
        let publisher = Publisher(
            server: try serverOptions.resolvedServer(environment: StandardStreams.environment),
            token: try serverOptions.resolvedToken(environment: StandardStreams.environment))
        let body = try await publisher.publish(draft, patience: .seconds(retryFor))
        guard let receipt = PublishReceipt(body) else {
            StandardStreams.note("the answer from \(publisher.server) is not that of a Crier server")
            throw ExitCode(ClientExit.refused)
        }
        // The alert is raised: that nobody reads its id changes nothing.
        if json {
            try? StandardStreams.printLine(StandardStreams.isOutputTerminal ? PrintableText.escapedJSON(body) : body)
        } else {
            try? StandardStreams.printLine(receipt.line)
        }
        if case .duplicate = receipt { StandardStreams.note("the key was known: nothing new was raised") }
    }

    /// The alert that the options describe.
    func draft(message: String, key: String?) -> AlertDraft {
        var random = SystemRandomNumberGenerator()
        return AlertDraft(
            topic: topic.text, message: message, key: key ?? IdempotencyKey.random(using: &random), title: title,
            priority: priority,
            tags: tags.flatMap { $0.split(separator: ",") }.map(String.init), click: click, delay: delay,
            expires: expires, data: data?.value, isMarkdown: markdown)
    }

    /// The longest text that is read from standard input. The server's own limit is lower, and its error names it.
    private static let inputLimit = 1 << 20

    private func message() throws -> String {
        guard words == ["-"] || (words.isEmpty && !StandardStreams.isInputTerminal) else {
            return words.joined(separator: " ")
        }
        guard var bytes = StandardStreams.readInput(limit: Self.inputLimit) else {
            StandardStreams.note("standard input is longer than \(Self.inputLimit) bytes")
            throw ExitCode(ClientExit.refused)
        }
        if bytes.last == UInt8(ascii: "\n") { bytes.removeLast() }
        guard let text = String(validating: bytes, as: UTF8.self) else {
            StandardStreams.note("standard input is not UTF-8 text")
            throw ExitCode(ClientExit.refused)
        }
        return text
    }
}
