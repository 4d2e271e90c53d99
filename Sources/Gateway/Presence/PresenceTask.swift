/// What a `PresenceBook` asks of the store.
enum PresenceTask: String, Hashable, Sendable {
    case write
    case read
}
