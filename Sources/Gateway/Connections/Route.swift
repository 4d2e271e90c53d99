import Broadcasting

/// What a request's path means. Readers are told apart here, before anything else handles the request, since they never enter the HTTP framework.
enum Route: Equatable, Sendable {
    /// `/ws`: the duplex WebSocket.
    case duplex
    /// `/rooms/{region}/ws` or `/rooms/vm/{id}/ws`: the duplex WebSocket of someone who is in a room.
    case room(Room)
    /// `/{topics}/ws`, `/sse`, `/json` or `/raw`.
    case read(topics: String, form: WireForm)
    /// Everything else.
    case http

    /// Names that are routes and so cannot be topics.
    static let reservedNames: Set<String> = [
        "assets", "docs", "errors", "health", "lobby", "login", "logout", "metrics", "ready", "rooms", "session", "v1",
        "ws",
    ]

    /// - Parameter path: the path without its query, as it came: topics need no percent-encoding, but some clients encode `,` and `*`.
    init(path: some StringProtocol) {
        let parts = path.utf8.split(
            separator: UInt8(ascii: "/"), maxSplits: 3, omittingEmptySubsequences: false)
        if parts.count == 4 && parts[1].elementsEqual("rooms".utf8) {
            self = RoomPath(path).flatMap { $0.form == .socket ? .room($0.room) : nil } ?? .http
        } else if parts.count == 2 && parts[1].elementsEqual("ws".utf8) {
            self = .duplex
        } else if parts.count == 3, let form = Self.form(parts[2]) {
            self = .read(topics: String(decoding: PercentEncoding.decode(parts[1]), as: UTF8.self), form: form)
        } else {
            self = .http
        }
    }

    private static func form(_ name: some Collection<UInt8>) -> WireForm? {
        switch String(decoding: name, as: UTF8.self) {
        case "ws": .webSocket
        case "sse": .eventStream
        case "json": .jsonLines
        case "raw": .rawLines
        default: nil
        }
    }
}
