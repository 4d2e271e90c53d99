import ArgumentParser

/// The command.
@main
struct Crier: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "crier",
        abstract: "A notification broadcaster: publish once, heard everywhere.",
        discussion: """
            Start a server, and open its page in two browsers:

              crier serve

            Raise an alert from a terminal, and follow a topic in another:

              crier publish alien-landings "Aliens over Sydney"
              crier subscribe alien-landings
            """,
        version: Version.text,
        subcommands: [
            ServeCommand.self, PublishCommand.self, SubscribeCommand.self, VMsCommand.self, BenchCommand.self,
        ],
        defaultSubcommand: ServeCommand.self)
}

/// The command's version.
enum Version {
    static let text = "0.1.0"
}
