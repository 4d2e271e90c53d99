import MessageBus

/// The VMs that have a name on the topic, as all learn it from what is said there. Times are Pub/Sub's.
struct Registry: Sendable {
    private var members: [SubscriptionName: LogMembers.Member] = [:]

    /// A VM takes its name, whoever has it.
    ///
    /// - Returns: what the name's last holder reported.
    mutating func join(_ place: Place, at time: WallTime) -> Position? {
        let previous = members[place.vm.subscription]
        members[place.vm.subscription] = LogMembers.Member(vm: place.vm, load: place.load, since: time, seen: time)
        return previous?.load.position
    }

    /// A VM is still there. A name that nobody has is entered again.
    mutating func renew(_ place: Place, at time: WallTime) {
        guard var member = members[place.vm.subscription] else {
            _ = join(place, at: time)
            return
        }
        guard member.vm.boot == place.vm.boot else { return }
        member.load = place.load
        member.seen = time
        members[place.vm.subscription] = member
    }

    mutating func leave(_ vm: VMIdentity) {
        if members[vm.subscription]?.vm.boot == vm.boot { members[vm.subscription] = nil }
    }

    func boot(of name: SubscriptionName) -> String? { members[name]?.vm.boot }

    var all: [LogMembers.Member] { members.values.sorted { $0.vm.subscription < $1.vm.subscription } }

    /// Those whose lease was not renewed since a time.
    func silent(since time: WallTime) -> [LogMembers.Member] { all.filter { $0.seen < time } }

    /// The first by name of those that have renewed their lease since a time: who does for all what one has to do.
    func first(heardSince time: WallTime) -> SubscriptionName? { all.first { $0.seen >= time }?.vm.subscription }
}
