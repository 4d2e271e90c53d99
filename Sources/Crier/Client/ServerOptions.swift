import ArgumentParser

/// The options by which a client command finds its server.
struct ServerOptions: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            "The server's address. Default: $CRIER_URL, else \(ServerURL.local).", valueName: "url"))
    var server: ServerURL?

    @Option(
        help: ArgumentHelp(
            "The token the server asks for. Default: $CRIER_TOKEN, which other users of this machine cannot see.",
            valueName: "token"))
    var token: String?

    /// The server by option, else environment, else on this machine.
    func resolvedServer(environment: (String) -> String?) throws -> ServerURL {
        if let server { return server }
        guard let text = environment("CRIER_URL"), !text.isEmpty else { return .local }
        guard let server = ServerURL(argument: text) else {
            throw ValidationError("CRIER_URL is not an http or https address: \(PrintableText.escaped(text))")
        }
        return server
    }

    /// The token by option, else environment.
    func resolvedToken(environment: (String) -> String?) throws -> String? {
        guard let token = token ?? environment("CRIER_TOKEN"), !token.isEmpty else { return nil }
        guard token.utf8.allSatisfy({ (0x21...0x7E).contains($0) }) else {
            throw ValidationError("The token may have printable ASCII characters only.")
        }
        return token
    }
}
