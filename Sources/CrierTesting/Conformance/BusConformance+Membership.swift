import MessageBus

extension BusConformance {
    static let membership: [BusConformance] = [
        BusConformance("a subscription is named after its VM, listed, and gone when it is deleted") { subject in
            let subscription = try await subject.bus.subscribe(vm("148e21ea7d9789"), tail: 0)
            try require(subscription.name.name == "ID_148e21ea7d9789", "the name is \(subscription.name)")
            await subscription.report(VMLoad(sockets: 7, position: subscription.start))
            let record = try await subject.bus.vms().first { $0.subscription == subscription.name }
            try require(record?.sockets == 7 && record?.region == "here", "the record is \(String(describing: record))")
            try await subscription.delete()
            try await subscription.delete()
            let left = try await subject.bus.vms().map(\.subscription)
            try require(!left.contains(subscription.name), "the subscription is still there")
            let end = try await subject.next(subscription) == nil
            try require(end, "a deleted subscription hands over")
        },
        BusConformance("deleting ends a wait") { subject in
            let subscription = try await subject.bus.subscribe(vm("waiting"), tail: 0)
            let waiting = Task { try await subscription.next(limit: 1) == nil }
            try await subscription.delete()
            try require(try await within(subject.patience) { try await waiting.value }, "the wait went on")
        },
        BusConformance("a newer boot takes the name over, and the older one can do nothing to it") { subject in
            let older = try await subject.bus.subscribe(vm("same", boot: "one"), tail: 0)
            let waiting = Task { try await older.next(limit: 1) == nil }
            let newer = try await subject.bus.subscribe(vm("same", boot: "two"), tail: 0)
            try require(try await within(subject.patience) { try await waiting.value }, "the older boot goes on")
            try await older.delete()
            await older.report(VMLoad(sockets: 99, position: .origin))
            let record = try await subject.bus.vms().first { $0.subscription == newer.name }
            try require(record?.boot == "two" && record?.sockets != 99, "the record is \(String(describing: record))")
            _ = try await subject.bus.publish([draft("for the newer")])
            let bodies = try await subject.take(1, from: newer).map(\.draft.content.message)
            try require(bodies == ["for the newer"], "\(bodies)")
            try require(try await subject.next(older) == nil, "the older boot is handed alerts")
        },
        BusConformance("a VM that is back with its id goes on where it had reported to be") { subject in
            let older = try await subject.bus.subscribe(vm("back", boot: "one"), tail: 0)
            _ = try await subject.bus.publish((0..<3).map { draft("\($0)") })
            let reached = try await subject.take(1, from: older)[0].position
            await older.report(VMLoad(sockets: 0, position: reached))
            let newer = try await subject.bus.subscribe(vm("back", boot: "two"), tail: 0)
            try require(newer.start == reached, "it goes on after \(newer.start), not \(reached)")
            let bodies = try await subject.take(2, from: newer).map(\.draft.content.message)
            try require(bodies == ["1", "2"], "\(bodies)")
        },
        BusConformance("a VM's lag is the number of alerts that it has not got") { subject in
            let subscription = try await subject.bus.subscribe(vm("lagging"), tail: 0)
            _ = try await subject.bus.publish([draft("base")])
            let position = try await subject.take(1, from: subscription)[0].position
            await subscription.report(VMLoad(sockets: 0, position: position))
            _ = try await subject.bus.publish((0..<5).map { draft("\($0)") })
            let record = try await subject.bus.vms().first { $0.subscription == subscription.name }
            try require(record?.lag == 5, "the lag is \(String(describing: record?.lag))")
        },
    ]
}
