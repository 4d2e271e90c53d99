import MessageBus

/// Who is in which room by way of other VMs: their records, merged.
struct PresenceElsewhere: Sendable {
    struct Occupancy: Equatable, Sendable {
        /// Since when each is there: the earliest of what the VMs say.
        var people: [String: WallTime] = [:]
        /// The ids of the VMs that have someone there.
        var vms: Set<String> = []
    }

    private(set) var rooms: [Room: Occupancy] = [:]

    /// Nobody.
    init() {}

    init(merging records: some Sequence<PresenceRecord>) {
        for record in records {
            for (room, people) in record.rooms { rooms[room, default: Occupancy()].add(people, on: record.vm) }
        }
    }

    /// The rooms whose people are others than there, or are there since another time.
    func changed(since before: PresenceElsewhere) -> Set<Room> {
        Set(rooms.keys).union(before.rooms.keys).filter { rooms[$0]?.people != before.rooms[$0]?.people }
    }
}

extension PresenceElsewhere.Occupancy {
    fileprivate mutating func add(_ people: [Person], on vm: String) {
        vms.insert(vm)
        for person in people {
            self.people[person.name] = min(person.since, self.people[person.name] ?? person.since)
        }
    }
}
