import MessageBus

// What the store asks of the log.
extension Replica {
    func bounds(beforeLast count: Int) throws(BusError) -> LogBounds {
        try requireLive()
        guard let head = log.tail.newest?.position else {
            let end = log.head ?? log.tail.head
            return LogBounds(floor: end, start: end, head: end)
        }
        return LogBounds(
            floor: log.tail.floor, start: count > 0 ? log.tail.cursor(beforeLast: count) : head, head: head)
    }

    /// What stands after a cursor; `nil` where nothing does.
    func read(after cursor: Position, limit: Int, for vm: VMIdentity) throws(BusError) -> LogReading? {
        if let boot = registry.boot(of: vm.subscription), boot != vm.boot { return .superseded }
        if case .superseded = condition { return .superseded }
        let alerts = log.tail.entries(after: cursor).prefix(max(1, limit)).map(\.stored)
        if !alerts.isEmpty { return .alerts(Array(alerts)) }
        try requireLive()
        return nil
    }

    func probe(within bound: Duration) async throws(BusError) {
        try requireLive()
        if let lastEcho, .now - lastEcho < timing.renewing { return }
        if await hear(.standing(log.known), within: bound) == nil { try await suspect() }
    }

    /// What this VM says does not come back: either the bus is deaf, or the subscription is somebody else's.
    func suspect() async throws(BusError) -> Never {
        let error = BusError(
            .unavailable, "Pub/Sub does not carry what this VM says back to it", retryAfter: 1)
        if case .live = condition { fail(error) }
        await verify()
        try requireLive()
        throw error
    }
}

// What the store asks of the registry.
extension Replica {
    func join(_ place: Place) async throws(BusError) -> Position? {
        try requireLive()
        guard case .joined(let previous)? = await hear(.join(place), within: timing.echo) else { try await suspect() }
        return previous
    }

    func renew(_ place: Place) async throws(BusError) -> Renewal {
        if case .superseded = condition { return Renewal(isCurrent: false, head: log.tail.head) }
        try requireLive()
        if let last = leases[place.vm.subscription], last.place == place, .now - last.said < timing.renewing {
            return renewal(of: place)
        }
        leases[place.vm.subscription] = (place, .now)
        guard await hear(.lease(place, log.known), within: timing.echo) != nil else {
            leases[place.vm.subscription] = nil
            if case .superseded = condition { return Renewal(isCurrent: false, head: log.tail.head) }
            try await suspect()
        }
        return renewal(of: place)
    }

    private func renewal(of place: Place) -> Renewal {
        Renewal(isCurrent: registry.boot(of: place.vm.subscription) == place.vm.boot, head: log.tail.head)
    }

    /// Gives a name back. With the VM's own its subscription goes, once what it has published is placed, and the replica ends.
    func leave(_ vm: VMIdentity) async throws(BusError) {
        if isOver { return }
        guard vm == self.vm else {
            try requireLive()
            guard await hear(.leave(vm), within: timing.echo) != nil else { try await suspect() }
            return
        }
        isLeaving = true
        await finishPublishing()
        // Others take over what this VM led as soon as they hear it, and know then all that it placed.
        log.retire()
        _ = await hear(.leave(vm), within: timing.farewell)
        var failure: PubSubError?
        do throws(PubSubError) { _ = try await service.deleteSubscription(name) } catch { failure = error }
        await close()
        if let failure { throw BusError(failure) }
    }

    func members() throws(BusError) -> LogMembers {
        try requireLive()
        return LogMembers(members: registry.all, head: log.tail.head)
    }
}
