import MessageBus
import StrictJSON

/// Who is in a room, as its sockets are told.
enum RoomPresence {
    /// The `presence` frame of the duplex protocol: the complete list.
    static func frame(_ people: [Person], in room: Room) -> [UInt8] {
        var json = JSONWriter(reservingCapacity: 64 + people.count * 48)
        json.beginObject()
        json.key("event")
        json.string("presence")
        json.key("topic")
        json.string(room.topic.name)
        json.key("people")
        write(people, to: &json)
        json.endObject()
        return json.bytes
    }

    static func write(_ people: [Person], to json: inout JSONWriter) {
        json.beginArray()
        for person in people {
            json.beginObject()
            json.key("name")
            json.string(person.name)
            json.key("since")
            json.int(person.since.milliseconds)
            json.endObject()
        }
        json.endArray()
    }
}
