/// A request's path that leads to a room: `/rooms/<region>` or `/rooms/vm/<id>`, and these followed by `/` or `/ws`.
struct RoomPath: Hashable, Sendable {
    enum Form: Hashable, Sendable {
        /// The room's page.
        case page
        /// The same with a slash at its end, where relative links would lead elsewhere.
        case folder
        /// The room's WebSocket, `/ws`.
        case socket
    }

    let room: Room
    let form: Form

    /// Reads a path without its query. There is no percent-decoding.
    ///
    /// - Returns: `nil` where the path leads to no room.
    init?(_ path: some StringProtocol) {
        var parts = path.split(separator: "/", omittingEmptySubsequences: false)[...]
        guard parts.popFirst() == "", parts.popFirst() == "rooms", let first = parts.first else { return nil }
        let name = parts.prefix(first == "vm" ? 2 : 1)
        guard let room = Room(name: name.joined(separator: "/")) else { return nil }
        switch parts.dropFirst(name.count) {
        case []: form = .page
        case [""]: form = .folder
        case ["ws"]: form = .socket
        default: return nil
        }
        self.room = room
    }
}
