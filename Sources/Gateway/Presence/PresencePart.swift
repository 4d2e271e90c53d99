import MessageBus
import StrictJSON

/// One part of a `PresenceRecord` while it is written.
struct PresencePart {
    /// What separates a person from the one before, and ends the list of people, the rooms and the record: `,` and `]}}`.
    private static let frame = 4
    /// What ends a room and begins the next, besides its name: `],"":[`.
    private static let roomFrame = 6

    private var writer = JSONWriter(reservingCapacity: 1024)
    private var room: Room?

    init(of record: PresenceRecord) {
        writer.beginObject()
        writer.key("vm")
        writer.string(record.vm)
        writer.key("region")
        writer.string(record.region)
        writer.key("rooms")
        writer.beginObject()
    }

    /// Whether nobody is in it.
    var isEmpty: Bool { room == nil }

    /// Takes the next person in. The people of a room come one after the other.
    ///
    /// - Returns: `false` where the part would have more than `limit` bytes with them, and has someone already.
    mutating func take(_ person: Person, in room: Room, within limit: Int) -> Bool {
        var entry = JSONWriter(reservingCapacity: 64)
        entry.beginArray()
        entry.string(person.name)
        entry.int(person.since.milliseconds)
        entry.endArray()
        let heading = self.room == room ? 0 : room.name.utf8.count + Self.roomFrame
        guard isEmpty || writer.bytes.count + heading + entry.bytes.count + Self.frame <= limit else { return false }
        begin(room)
        writer.raw(entry.bytes)
        return true
    }

    private mutating func begin(_ next: Room) {
        guard next != room else { return }
        if room != nil { writer.endArray() }
        writer.key(next.name)
        writer.beginArray()
        room = next
    }

    /// The part's bytes.
    consuming func ended() -> [UInt8] {
        if room != nil { writer.endArray() }
        writer.endObject()
        writer.endObject()
        return writer.bytes
    }
}
