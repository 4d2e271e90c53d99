import ArgumentParser
import Gateway
import Logging
import MessageBus
import PrometheusMetrics

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif
#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// `crier serve`: the server, told by flags, environment and a file.
struct ServeCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "serve",
        abstract: "Serve the page, the sockets and the publishing routes on one port (the default).",
        usage: "crier serve [--key value ...]",
        discussion: """
            Every setting is a flag, an environment variable or a line KEY=value of a \
            file that --config or CRIER_CONFIG names; flags go before the environment, \
            the environment before the file. Examples:

              crier serve --port 9000 --log-level debug
              PUBLISH_TOKEN=secret ALLOWED_ORIGINS=https://example.com crier serve
              crier serve --config /etc/crier.conf

            SIGTERM and SIGINT let everyone go in order and exit 0; a second signal \
            exits at once.

            SETTINGS:
            \(SettingsHelp.table)
            """)

    @Argument(parsing: .captureForPassthrough, help: .hidden)
    var settings: [String] = []

    func run() async throws {
        if settings.contains(where: { $0 == "--help" || $0 == "-h" }) { throw CleanExit.helpRequest(self) }
        let configuration: ServerConfiguration
        do {
            let reader = try await SettingsReader(
                arguments: settings, environment: ProcessInfo.processInfo.environment)
            configuration = try ServerConfiguration(reader)
        } catch let error as ConfigurationError {
            throw ValidationError(error.description)
        }
        try await Self.serve(configuration)
    }

    private static func serve(_ configuration: ServerConfiguration) async throws {
        // A peer that is gone is an error of its socket, not of the process.
        signal(SIGPIPE, SIG_IGN)
        let format = configuration.logFormat ?? (isatty(STDERR_FILENO) == 1 ? .text : .json)
        LoggingSystem.bootstrap { label in
            var handler: any LogHandler =
                format == .json ? JSONLogHandler() : StreamLogHandler.standardError(label: label)
            handler.logLevel = configuration.logLevel
            return handler
        }
        var logger = Logger(label: "crier")
        logger[metadataKey: "vm"] = "\(configuration.vm.id)"
        logger[metadataKey: "region"] = "\(configuration.vm.region)"
        let bus: any MessageBus
        let store: any SharedStore
        do {
            (bus, store) = try await BusFactory.open(configuration, logger: logger)
        } catch let error as ConfigurationError {
            throw ValidationError(error.description)
        }
        let server = GatewayServer(
            configuration: configuration, bus: bus, store: store, registry: PrometheusRegistry(), logger: logger)
        let signals = ShutdownSignals()
        let log = logger
        do {
            try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask { await signals.watch(logger: log) }
                try await server.run(
                    started: { Self.announce(configuration, port: $0) }, until: { await signals.waitForFirst() })
                group.cancelAll()
            }
        } catch {
            logger.critical("cannot go on", metadata: ["error": "\(error)"])
            throw ExitCode.failure
        }
    }

    private static func announce(_ configuration: ServerConfiguration, port: Int) {
        print("Crier is on http://localhost:\(port)/ (VM \(configuration.vm.id), region \(configuration.vm.region))")
        fflush(nil)
    }
}

/// The settings as help shows them, in lines that a terminal of 80 columns holds.
enum SettingsHelp {
    private static let width = 78
    private static let indent = String(repeating: " ", count: 10)

    static let table = Setting.all.map { setting in
        "  \(setting.flag), \(setting.key)\n" + wrapped("\(setting.meaning) [\(setting.standard)]")
    }.joined(separator: "\n")

    private static func wrapped(_ text: String) -> String {
        var lines: [String] = []
        for word in text.split(separator: " ") {
            if let last = lines.last, last.count + word.count < width {
                lines[lines.count - 1] = last + " " + word
            } else {
                lines.append(indent + word)
            }
        }
        return lines.joined(separator: "\n")
    }
}
