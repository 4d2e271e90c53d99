import Broadcasting
import NIOCore

/// The rooms that a reader is in: those whose topics it follows by name, as a user.
///
/// Isolation: its event loop.
final class RoomStays {
    private let name: String
    private let presence: PresenceBook
    private let eventLoop: any EventLoop
    private let told: (Room, [Person]) -> Void
    private var stays: [Room: Stay] = [:]

    /// - Parameter told: told who is in a room, at first and on every change, as long as the reader is there.
    /// - Returns: `nil` where the identity is no user's: nobody sees them.
    init?(of identity: Identity, at reception: Reception, told: @escaping (Room, [Person]) -> Void = { _, _ in }) {
        guard let name = identity.user else { return nil }
        self.name = name
        self.presence = reception.context.presence
        self.eventLoop = reception.loop
        self.told = told
    }

    /// Enters the rooms of these topics, and leaves all others.
    func follow(_ topics: Interest.Topics?) {
        var rooms: Set<Room> = []
        if case .some(let topics)? = topics { rooms = Set(topics.compactMap { Room(topic: $0) }) }
        for (room, stay) in stays where !rooms.contains(room) {
            stay.leave()
            stays[room] = nil
        }
        let bound = NIOLoopBound(self, eventLoop: eventLoop)
        for room in rooms where stays[room] == nil {
            stays[room] = presence.enter(room, as: name, on: eventLoop) { bound.value.told(room, $0) }
        }
    }

    /// The reader is gone. Repeating it has no effect.
    func leave() { follow(nil) }
}

@available(*, unavailable)
extension RoomStays: Sendable {}
