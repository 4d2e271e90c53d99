import MessageBus

/// What one VM tells the others in the shared store: who is in which room by way of it.
///
/// In the store it is one entry or several, the parts, each of which is a record that can be read alone. People are told apart by name, so parts
/// and the records of several VMs are merged in the same way.
struct PresenceRecord: Equatable, Sendable {
    /// The VM's id.
    var vm: String
    var region: String
    /// The people in each room, in order. No room is without people.
    var rooms: [Room: [Person]]
}

extension PresenceRecord {
    /// What a VM has to tell.
    ///
    /// - Parameter listed: the people of a room at most; the first in their order are told.
    init(of presence: LocalPresence, on vm: VMIdentity, listed: Int = PresencePicture.listed) {
        self.init(vm: vm.id, region: vm.region, rooms: [:])
        for room in presence.occupied {
            rooms[room] = Array(presence.people(in: room).sorted().prefix(listed))
        }
    }
}
