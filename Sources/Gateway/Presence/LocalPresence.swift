import MessageBus

/// Who is in which room by way of this VM.
///
/// Bounded by the VM's sockets: each stay is one's.
struct LocalPresence: Sendable {
    /// The beginnings of each name's stays, in order; never without one.
    private var rooms: [Room: [String: [WallTime]]] = [:]

    var isEmpty: Bool { rooms.isEmpty }

    /// The rooms that have people here.
    var occupied: some Collection<Room> { rooms.keys }

    /// One more stay begins.
    ///
    /// - Returns: whether that changed who is in the room, or since when.
    mutating func enter(_ room: Room, as name: String, at time: WallTime) -> Bool {
        let first = rooms[room]?[name]?.first
        let index = rooms[room]?[name]?.lastIndex { $0 <= time }.map { $0 + 1 } ?? 0
        rooms[room, default: [:]][name, default: []].insert(time, at: index)
        return first.map { time < $0 } ?? true
    }

    /// The stay that began at `time` ends. Has no effect where there is none.
    ///
    /// - Returns: whether that changed who is in the room, or since when.
    mutating func leave(_ room: Room, as name: String, since time: WallTime) -> Bool {
        guard let index = rooms[room]?[name]?.firstIndex(of: time) else { return false }
        rooms[room]?[name]?.remove(at: index)
        let first = rooms[room]?[name]?.first
        if first == nil { rooms[room]?[name] = nil }
        if rooms[room]?.isEmpty == true { rooms[room] = nil }
        return first != time && index == 0
    }

    /// The people in a room here, in no order.
    func people(in room: Room) -> [Person] {
        rooms[room]?.compactMap { name, stays in stays.first.map { Person(name: name, since: $0) } } ?? []
    }

    /// How many people are in a room here.
    func count(in room: Room) -> Int { rooms[room]?.count ?? 0 }
}
