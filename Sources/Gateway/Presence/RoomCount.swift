/// How many are in a room.
struct RoomCount: Hashable, Sendable {
    let room: Room
    /// People, each counted once.
    let people: Int
    /// The VMs that they are connected to.
    let vms: Int
}
