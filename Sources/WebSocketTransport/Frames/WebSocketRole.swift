/// Which end of the connection this is. Clients mask what they send and servers do not (RFC 6455 section 5.1).
public enum WebSocketRole: Sendable {
    case server, client
}
