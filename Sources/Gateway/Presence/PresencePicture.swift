import MessageBus

/// Who is in which room, as far as this VM knows: its own people, and what the others last told.
///
/// Someone who is there by way of several VMs is one person, there since the earliest of what they say.
struct PresencePicture: Sendable {
    /// The people of a room that are listed at most. Overflow policy: those who came last are there, and counted, without being listed.
    static let listed = 10_000

    /// This VM's id.
    let vm: String
    var local = LocalPresence()
    private(set) var elsewhere = PresenceElsewhere()

    init(vm: String) { self.vm = vm }

    /// Puts what the other VMs tell in the place of what they told before.
    ///
    /// - Returns: the rooms where that changed who is there, or since when.
    mutating func replace(elsewhere new: PresenceElsewhere) -> Set<Room> {
        defer { elsewhere = new }
        return new.changed(since: elsewhere)
    }

    /// The people in a room, in order.
    func people(in room: Room) -> [Person] {
        var people = elsewhere.rooms[room]?.people ?? [:]
        for person in local.people(in: room) {
            people[person.name] = min(person.since, people[person.name] ?? person.since)
        }
        return Array(people.map { Person(name: $0.key, since: $0.value) }.sorted().prefix(Self.listed))
    }

    /// The rooms that someone is in, in the order of their names.
    func counts() -> [RoomCount] {
        Set(elsewhere.rooms.keys).union(local.occupied).map(count(of:)).sorted { $0.room.name < $1.room.name }
    }

    private func count(of room: Room) -> RoomCount {
        let there = elsewhere.rooms[room] ?? .init()
        let here = local.people(in: room)
        return RoomCount(
            room: room, people: there.people.count + here.count { there.people[$0.name] == nil },
            vms: here.isEmpty ? there.vms.count : there.vms.union([vm]).count)
    }
}
