public import WebSocketTransport

/// The close codes that the server sends, from which docs/protocol.md's table is checked.
public struct CloseMeaning: Sendable {
    public let code: WebSocketCloseCode
    /// Whether a client should connect again with its cursor and loses nothing by it.
    public let isResumable: Bool
    public let meaning: String

    public static let all: [CloseMeaning] = [
        CloseMeaning(code: .normal, isResumable: false, meaning: "The client closed, or polled and has everything."),
        CloseMeaning(code: .goingAway, isResumable: true, meaning: "The server's time to drain is over."),
        CloseMeaning(code: .protocolError, isResumable: false, meaning: "A frame breaks RFC 6455."),
        CloseMeaning(code: .unsupportedData, isResumable: false, meaning: "A binary frame; the protocol is text."),
        CloseMeaning(code: .invalidPayload, isResumable: false, meaning: "Text that is not UTF-8."),
        CloseMeaning(
            code: .messageTooBig, isResumable: false, meaning: "A frame, a message or its fragments are over the limit."
        ),
        CloseMeaning(code: .internalError, isResumable: true, meaning: "A fault of the server, which has logged it."),
        CloseMeaning(
            code: .serviceRestart, isResumable: true, meaning: "The server is leaving; a `drain` event came before."),
        CloseMeaning(code: .slowReader, isResumable: true, meaning: "More waits for the reader than may wait."),
        CloseMeaning(code: .noPong, isResumable: true, meaning: "No answer to a ping before the next was due."),
        CloseMeaning(
            code: .rateLimited, isResumable: true, meaning: "The client goes on sending although it was told to wait."),
        CloseMeaning(
            code: .signedOut, isResumable: false, meaning: "The user has signed out, or the token's time is over."),
    ]
}
