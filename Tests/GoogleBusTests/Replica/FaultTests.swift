import CrierTesting
import MessageBus
import Testing

@testable import GoogleBus

/// What Pub/Sub, the network and VMs that crash may do.
@Suite(.serialized, .enabled(if: PubSubEmulator.isInstalled, Comment(rawValue: PubSubEmulator.absence)))
struct FaultTests {
    @Test("what is delivered again because its acknowledgement was lost is handed over once")
    func redelivery() async throws {
        try await withEmulator { world in
            let faulty = FaultyService(try world.service())
            try await using(try world.bus(vm("one"), on: faulty)) { bus in
                let subscription = try await bus.subscribe(vm("one"), tail: 0)
                faulty.set { $0.lostAcknowledgements = 1 }
                try await publish(["a"], on: bus)
                // Comes only when Pub/Sub has delivered the first once more, which is when its ten seconds are over.
                try await publish(["b", "c"], on: bus)
                let reading = try await read(subscription) { $0.bodies.last == "c" }
                #expect(reading.bodies == ["a", "b", "c"] && reading.losses.isEmpty)
            }
        }
    }

    @Test("what is published again because the answer was lost is raised once")
    func lostAnswers() async throws {
        try await withEmulator { world in
            let faulty = FaultyService(try world.service())
            try await using(try world.bus(vm("one"), on: faulty)) { bus in
                let subscription = try await bus.subscribe(vm("one"), tail: 0)
                faulty.set { $0.lostAnswers = 2 }
                let receipts = try await bus.publish((0..<10).map { draft("\($0)") })
                #expect(receipts.allSatisfy { !$0.isDuplicate })
                try await publish(["end"], on: bus)
                let reading = try await read(subscription) { $0.bodies.last == "end" }
                #expect(reading.bodies == (0..<10).map { "\($0)" } + ["end"])
                #expect(Array(reading.positions.prefix(10)) == receipts.map(\.position))
            }
        }
    }

    @Test("a subscription that somebody removed is made anew, and nothing is lost")
    func removedSubscription() async throws {
        try await withEmulator { world in
            try await world.withService { service in
                try await using(try world.bus(vm("other"))) { other in
                    try await using(try world.bus(vm("one"))) { bus in
                        let subscription = try await bus.subscribe(vm("one"), tail: 0)
                        try await publish(["a"], on: bus)
                        #expect(try await service.deleteSubscription("ID_one"))
                        try await publish(["b"], on: other)
                        // Its own words do not come back any more, which it finds out when it renews its lease.
                        await subscription.report(VMLoad(sockets: 0, position: subscription.start))
                        let reading = try await read(subscription) { $0.bodies.last == "b" }
                        #expect(reading.bodies == ["a", "b"] && reading.losses.isEmpty)
                    }
                }
            }
        }
    }

    @Test("a leader whose subscription was removed leads a new epoch, which goes on where its own was")
    func removedLeadersSubscription() async throws {
        try await withEmulator { world in
            try await world.withService { service in
                try await using(try world.bus(vm("one"))) { bus in
                    let subscription = try await bus.subscribe(vm("one"), tail: 0)
                    let before = try await publish(["a", "b", "c"], on: bus)
                    #expect(try await service.deleteSubscription("ID_one"))
                    await subscription.report(VMLoad(sockets: 0, position: before[2]))
                    let after = try await publish(["d", "a"], on: bus)
                    #expect(after[0].epoch > before[2].epoch && after[0].offset == 1 && after[1] == before[0])
                    let reading = try await read(subscription) { $0.bodies.last == "d" }
                    #expect(reading.positions == before + [after[0]] && reading.losses.isEmpty)
                }
            }
        }
    }

    @Test(
        "a bus that was restarted with nothing on it takes alerts again in a new epoch, and what VMs held is put back")
    func restartedEmulator() async throws {
        try await withEmulator { world in
            try await using(try world.bus(vm("one"))) { one in
                try await using(try world.bus(vm("two"))) { two in
                    let first = try await one.subscribe(vm("one"), tail: 0)
                    let second = try await two.subscribe(vm("two"), tail: 0)
                    let places = try await publish(["a", "b"], on: one)
                    _ = try await read(first) { $0.alerts.count == 2 }
                    _ = try await read(second) { $0.alerts.count == 2 }
                    try await world.emulator.kill()
                    #expect(try await read(first) { $0.absences > 0 }.alerts.isEmpty)
                    do throws(BusError) {
                        _ = try await one.publish([draft("never")])
                        Issue.record("published without a bus")
                    } catch { #expect(error.code == .unavailable && error.retryAfter != nil) }
                    try await world.emulator.restart()
                    let after = try await publish(["c"], on: two)
                    #expect(after[0].epoch > places[0].epoch)
                    for subscription in [first, second] {
                        let reading = try await read(subscription) { $0.bodies.contains("c") }
                        #expect(reading.losses.isEmpty)
                        for alert in reading.alerts where alert.draft.content.message != "c" {
                            #expect(
                                alert.healedFrom.map { places.contains($0) } == true, "\(alert.draft.content.message)")
                        }
                        #expect(reading.positions == reading.positions.sorted())
                    }
                }
            }
        }
    }

    @Test("a bus that answers and carries nothing is found out within ten seconds, and so is its return")
    func deafness() async throws {
        try await withEmulator { world in
            let faulty = FaultyService(try world.service())
            try await using(try world.bus(vm("one"), on: faulty)) { bus in
                let subscription = try await bus.subscribe(vm("one"), tail: 0)
                try await publish(["a"], on: bus)
                _ = try await read(subscription) { $0.bodies == ["a"] }
                faulty.set { $0.isDeaf = true }
                // Leases are renewed all the time, as a VM does.
                let renewing = Task {
                    while !Task.isCancelled {
                        await subscription.report(VMLoad(sockets: 0, position: subscription.start))
                        try? await ContinuousClock().sleep(for: .milliseconds(50))
                    }
                }
                defer { renewing.cancel() }
                #expect(try await read(subscription) { $0.absences > 0 }.alerts.isEmpty)
                faulty.set { $0.isDeaf = false }
                try await publish(["b"], on: bus)
                #expect(try await read(subscription) { !$0.alerts.isEmpty }.bodies == ["b"])
            }
        }
    }

    @Test("a VM that leaves has no subscription any more, and takes nothing more in")
    func leaving() async throws {
        try await withEmulator { world in
            try await world.withService { service in
                let bus = try world.bus(vm("one"))
                try await open(bus)
                let subscription = try await bus.subscribe(vm("one"), tail: 0)
                #expect(try await service.subscription("ID_one")?.boot == "boot-one")
                try await subscription.delete()
                #expect(try await service.subscriptions().isEmpty)
                #expect(try await subscription.next(limit: 1) == nil)
                do throws(BusError) {
                    _ = try await bus.publish([draft("late")])
                    Issue.record("published after it had left")
                } catch { #expect(error.code == .closed) }
            }
        }
    }

    @Test("subscriptions of VMs that are gone are removed, and nobody else's")
    func reaping() async throws {
        var timing = ReplicaTiming()
        timing.sweeping = .milliseconds(200)
        try await withEmulator(timing: timing) { world in
            try await world.withService { service in
                try await service.createTopic(retention: .seconds(600))
                let orphan = SubscriptionLabels.labels(of: vm("orphan"))
                try await service.createSubscription("ID_orphan", labels: orphan)
                try await service.createSubscription("ID_foreign", labels: ["team": "billing"])
                try await service.createSubscription("archive", labels: orphan)
                let dead = try world.bus(vm("dead"))
                try await open(dead)
                let gone = try await dead.subscribe(vm("dead"), tail: 0)
                await gone.report(VMLoad(sockets: 1, position: gone.start))
                await dead.close()
                try await using(try world.bus(vm("living"))) { bus in
                    _ = try await bus.subscribe(vm("living"), tail: 0)
                    #expect(try await bus.vms().map(\.id) == ["dead", "living"])
                    var reaped: [SubscriptionName] = []
                    try await eventually("the orphans' end") {
                        _ = try await bus.store.renew(vm("living"), load: VMLoad(sockets: 0, position: .origin))
                        reaped += try await bus.store.reap(lease: .seconds(1))
                        return try await service.subscriptions().sorted() == ["ID_foreign", "ID_living", "archive"]
                    }
                    #expect(reaped.map(\.name) == ["ID_dead"])
                    #expect(try await bus.vms().map(\.id) == ["living"])
                }
            }
        }
    }
}
