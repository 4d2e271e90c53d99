import Broadcasting
import WebSocketTransport

extension EndReason {
    /// How a WebSocket says it. The codes' catalogue is in docs/protocol.md.
    var close: (code: WebSocketCloseCode, reason: String) {
        switch self {
        case .slow: (.slowReader, "too slow: resume from your cursor")
        case .silent: (.noPong, "no pong")
        case .draining: (.serviceRestart, "the server is leaving")
        case .leaving: (.goingAway, "the server is gone")
        case .caughtUp: (.normal, "that is all")
        }
    }
}
