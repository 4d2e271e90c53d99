public import MessageBus
import NIOCore

extension RedisLogStore {
    public func join(_ vm: VMIdentity, load: VMLoad) async throws(BusError) -> Position? {
        try await perform { store, deadline throws(RedisFailure) in
            var arguments = Self.entry(vm, load)
            arguments.append(VMWord.taken(boot: vm.boot).text(in: store.keys.namespace))
            let reply = try await store.run(
                .join, keys: [store.keys.vms, store.keys.vm(vm.subscription)], arguments: arguments, by: deadline)
            return reply.text.flatMap { Position(entryID: $0) }
        }
    }

    public func renew(_ vm: VMIdentity, load: VMLoad) async throws(BusError) -> Renewal {
        try await perform { store, deadline throws(RedisFailure) in
            let reply = try await store.run(
                .renew, keys: [store.keys.vms, store.keys.vm(vm.subscription), store.keys.meta],
                arguments: Self.entry(vm, load), by: deadline)
            guard let parts = reply.array, parts.count == 3, let isCurrent = parts[0].number,
                let head = Position(epoch: parts[1], offset: parts[2])
            else { throw Self.unexpected }
            return Renewal(isCurrent: isCurrent == 1, head: head)
        }
    }

    public func leave(_ vm: VMIdentity) async throws(BusError) {
        try await perform { store, deadline throws(RedisFailure) in
            _ = try await store.run(
                .leave, keys: [store.keys.vms, store.keys.vm(vm.subscription)],
                arguments: RedisCommand(vm.subscription.name, vm.boot), by: deadline)
        }
    }

    public func reap(lease: Duration) async throws(BusError) -> [SubscriptionName] {
        try await perform { store, deadline throws(RedisFailure) in
            var arguments = RedisCommand()
            arguments.append(TimeAmount(lease).nanoseconds / 1_000_000)
            arguments.append(store.keys.vmPrefix)
            let reply = try await store.run(.reap, keys: [store.keys.vms], arguments: arguments, by: deadline)
            guard let names = reply.array else { throw Self.unexpected }
            return names.compactMap { name in
                name.text.flatMap { SubscriptionName(vm: String($0.dropFirst(3))) }
            }
        }
    }

    public func members() async throws(BusError) -> LogMembers {
        try await perform { store, deadline throws(RedisFailure) in
            let reply = try await store.run(
                .members, keys: [store.keys.vms, store.keys.meta], arguments: RedisCommand(store.keys.vmPrefix),
                by: deadline)
            guard let parts = reply.array, parts.count >= 2, let head = Position(epoch: parts[0], offset: parts[1])
            else { throw Self.unexpected }
            return LogMembers(members: parts.dropFirst(2).compactMap(Self.member), head: head)
        }
    }

    private static func entry(_ vm: VMIdentity, _ load: VMLoad) -> RedisCommand {
        var words = RedisCommand(vm.subscription.name, vm.boot, vm.id, vm.region)
        words.append(load.sockets)
        words.append(load.position.entryID)
        return words
    }

    /// - Returns: `nil` where the entry is not one of ours.
    private static func member(_ reply: RESPValue) -> LogMembers.Member? {
        guard let fields = reply.array, fields.count == 7, let id = fields[0].text, let region = fields[1].text,
            let boot = fields[2].text, let vm = VMIdentity(id: id, region: region, boot: boot),
            let sockets = fields[3].number, let position = fields[4].text.flatMap({ Position(entryID: $0) }),
            let since = fields[5].number, let seen = fields[6].number
        else { return nil }
        return LogMembers.Member(
            vm: vm, load: VMLoad(sockets: Int(sockets), position: position), since: WallTime(milliseconds: since),
            seen: WallTime(milliseconds: seen))
    }
}
