import ArgumentParser
import AsyncHTTPClient
import NIOCore
import NIOHTTP1

/// `crier vms`: the VMs on the bus.
struct VMsCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "vms",
        abstract: "List the VMs on the bus.",
        discussion: """
            Asks one VM; any of them knows all. LAG is how many alerts the VM has not got yet, AGE the time since it \
            came.

              crier vms
              crier vms --server https://example.fly.dev --json

            Exit status: 0 listed; 64 wrong usage; 65 the server refused or is no Crier server; 69 the server is not \
            available.
            """)

    @Flag(help: "Print the server's answer.")
    var json = false

    @OptionGroup var serverOptions: ServerOptions

    /// Room for some ten thousand VMs.
    private static let answerLimit = 4 << 20

    func validate() throws {
        _ = try serverOptions.resolvedServer(environment: StandardStreams.environment)
        _ = try serverOptions.resolvedToken(environment: StandardStreams.environment)
    }

    func run() async throws {
        StandardStreams.ignoreBrokenPipes()
        let server = try serverOptions.resolvedServer(environment: StandardStreams.environment)
        let token = try serverOptions.resolvedToken(environment: StandardStreams.environment)
        let body = try await ask(server, token: token)
        guard let table = VMTable(body) else {
            StandardStreams.note("the answer from \(server) is not that of a Crier server")
            throw ExitCode(ClientExit.refused)
        }
        if json {
            try? StandardStreams.printLine(StandardStreams.isOutputTerminal ? PrintableText.escapedJSON(body) : body)
        } else {
            for line in table.lines { try? StandardStreams.printLine(line) }
        }
    }

    private func ask(_ server: ServerURL, token: String?) async throws -> [UInt8] {
        let client = HTTPClient.forCommand(readTimeout: .seconds(10))
        let answer: (status: Int, body: [UInt8], location: String?)
        do {
            answer = try await Self.get(server.path("v1/vms"), token: token, with: client)
            try? await client.shutdown()
        } catch {
            try? await client.shutdown()
            StandardStreams.note("no answer from \(server): \(PrintableText.escaped(ClientExit.reason(error)))")
            throw ExitCode(ClientExit.unavailable)
        }
        guard answer.status == 200 else {
            let refusal = ServerRefusal(status: answer.status, body: answer.body, location: answer.location)
            StandardStreams.note("refused: \(refusal.message)")
            throw ExitCode(answer.status >= 500 ? ClientExit.unavailable : ClientExit.refused)
        }
        return answer.body
    }

    private static func get(
        _ url: String, token: String?, with client: HTTPClient
    ) async throws -> (status: Int, body: [UInt8], location: String?) {
        let response = try await client.execute(HTTPClientRequest(url: url, token: token), timeout: .seconds(15))
        let collected = try await response.body.collect(upTo: answerLimit)
        var body = Array(collected.readableBytesView)
        while body.last == UInt8(ascii: "\n") { body.removeLast() }
        return (Int(response.status.code), body, response.headers.first(name: "Location"))
    }
}
