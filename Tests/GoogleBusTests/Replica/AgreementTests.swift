import CrierTesting
import MessageBus
import Testing

@testable import GoogleBus

/// Several VMs on one topic, each with a subscription of its own.
@Suite(.serialized, .enabled(if: PubSubEmulator.isInstalled, Comment(rawValue: PubSubEmulator.absence)))
struct AgreementTests {
    @Test("VMs that publish and follow at once give every alert the same place, and each key one alert")
    func storm() async throws {
        let storm = try #require(
            BusConformance.all.first { $0.description.hasPrefix("publishers and subscriptions at once") })
        try await withEmulator { world in
            try await withVMs(["one", "two", "three", "four"], of: world) { buses in
                try await storm.run(
                    on: BusUnderTest(bus: Deployment(buses: buses), retainedAlerts: 2_000, patience: .seconds(30)))
            }
        }
    }

    @Test("VMs that all begin at once on an empty topic agree on one epoch")
    func beginningTogether() async throws {
        try await withEmulator { world in
            let buses = try ["one", "two", "three", "four", "five"].map { try world.bus(vm($0)) }
            try await perform {
                try await withThrowingTaskGroup(of: Void.self) { group in
                    for bus in buses { group.addTask { try await open(bus) } }
                    try await group.waitForAll()
                }
                let places = try await publish(["a", "b"], on: buses[0])
                for bus in buses {
                    #expect(try await publish(["a", "b"], on: bus) == places)
                }
            } finally: {
                for bus in buses { await bus.close() }
            }
        }
    }

    @Test("a VM that begins has what the topic retains, at the places that others know")
    func beginning() async throws {
        try await withEmulator { world in
            try await using(try world.bus(vm("old"))) { old in
                let places = try await publish((0..<50).map { "\($0)" }, on: old)
                try await using(try world.bus(vm("new"))) { new in
                    let subscription = try await new.subscribe(vm("new"), tail: 20)
                    #expect(subscription.head == places[49] && subscription.start == places[29])
                    let reading = try await read(subscription) { $0.alerts.count >= 20 }
                    #expect(reading.positions == Array(places[30...]))
                    #expect(reading.bodies == (30..<50).map { "\($0)" })
                    // Keys that were used before it began hold for it too.
                    let again = try await new.publish([draft("7", key: "7")])
                    #expect(again == [Receipt(position: places[7], isDuplicate: true)])
                }
            }
        }
    }

    @Test("the log goes on where it was when all VMs have gone and one comes back")
    func allGone() async throws {
        try await withEmulator { world in
            let first = try await using(try world.bus(vm("one"))) { bus in
                let subscription = try await bus.subscribe(vm("one"), tail: 0)
                let places = try await publish(["a", "b", "c"], on: bus)
                // What a VM says when it renews its lease is what the next one learns from.
                await subscription.report(VMLoad(sockets: 0, position: places[2]))
                return places
            }
            try await using(try world.bus(vm("two"))) { bus in
                // The new leader's epoch follows on what the topic still retains.
                let subscription = try await bus.subscribe(vm("two"), tail: 10)
                let places = try await publish(["b", "d"], on: bus)
                #expect(places[0] == first[1] && places[1].offset == 1)
                let reading = try await read(subscription) { $0.bodies.last == "d" }
                #expect(reading.positions == first + [places[1]] && reading.losses.isEmpty)
            }
        }
    }

    @Test("a newer boot of the same id has the subscription, and the older one ends")
    func takeover() async throws {
        try await withEmulator { world in
            let older = try world.bus(vm("same", boot: "one"))
            let newer = try world.bus(vm("same", boot: "two"))
            try await using(older) { older in
                let subscription = try await older.subscribe(vm("same", boot: "one"), tail: 0)
                let place = try await publish(["a"], on: older)[0]
                _ = try await read(subscription) { !$0.alerts.isEmpty }
                await subscription.report(VMLoad(sockets: 3, position: place))
                try await using(newer) { newer in
                    let successor = try await newer.subscribe(vm("same", boot: "two"), tail: 0)
                    #expect(successor.start == place)
                    try await eventually("the older boot's end") {
                        await subscription.report(VMLoad(sockets: 4, position: place))
                        if case .superseded = await older.store.replica.condition { return true }
                        return false
                    }
                    #expect(try await subscription.next(limit: 1) == nil)
                    try? await subscription.delete()
                    let places = try await publish(["b"], on: newer)
                    #expect(try await read(successor) { !$0.alerts.isEmpty }.positions == places)
                    #expect(try await world.emulator.subscriptions(of: "crier-tests") == ["ID_same"])
                    #expect(try await newer.vms().map(\.boot) == ["two"])
                }
            }
        }
    }

    @Test("an alert that never comes to a VM is said as a loss there, and nowhere else")
    func neverComes() async throws {
        try await withEmulator { world in
            let faulty = FaultyService(try world.service())
            try await using(try world.bus(vm("right"))) { right in
                try await using(try world.bus(vm("wrong"), on: faulty)) { wrong in
                    let good = try await right.subscribe(vm("right"), tail: 0)
                    let bad = try await wrong.subscribe(vm("wrong"), tail: 0)
                    faulty.set { $0.swallowedKey = "lost" }
                    try await publish(["lost"], on: right)
                    let after = try await publish(["after"], on: right)
                    let told = try await read(bad) { $0.bodies.last == "after" }
                    #expect(!told.losses.isEmpty && told.bodies == ["after"] && told.positions == after)
                    let heard = try await read(good) { $0.bodies.last == "after" }
                    #expect(heard.losses.isEmpty && heard.bodies == ["lost", "after"])
                }
            }
        }
    }

    @Test("an alert that did not come to a VM is read once more, and nothing is lost there either")
    func readAgain() async throws {
        try await withEmulator { world in
            let faulty = FaultyService(try world.service())
            try await using(try world.bus(vm("right"))) { right in
                try await using(try world.bus(vm("wrong"), on: faulty)) { wrong in
                    let subscription = try await wrong.subscribe(vm("wrong"), tail: 0)
                    faulty.set { $0.lostKeys = ["lost"] }
                    let places = try await publish(["lost", "after"], on: right)
                    let reading = try await read(subscription) { $0.bodies.last == "after" }
                    #expect(reading.losses.isEmpty && reading.bodies == ["lost", "after"])
                    #expect(reading.positions == places)
                    // What it publishes itself has a place for it, too.
                    let own = try await publish(["own"], on: wrong)
                    #expect(try await read(subscription) { !$0.alerts.isEmpty }.positions == own)
                }
            }
        }
    }

    @Test("a VM to which not everything comes while it begins reads the topic once more before it takes part")
    func beginningWithHoles() async throws {
        try await withEmulator { world in
            try await using(try world.bus(vm("old"))) { old in
                let places = try await publish(["a", "b", "c"], on: old)
                let faulty = FaultyService(try world.service())
                // What is missing before the first that comes is not waited for.
                faulty.set { $0.lostKeys = ["b"] }
                try await using(try world.bus(vm("new"), on: faulty)) { new in
                    let subscription = try await new.subscribe(vm("new"), tail: 3)
                    let reading = try await read(subscription) { $0.alerts.count == 3 }
                    #expect(reading.positions == places && reading.losses.isEmpty)
                }
            }
        }
    }

    @Test("when the leader ends without a word another VM takes over, and nothing is lost, doubled or reordered")
    func leaderCrashes() async throws {
        try await withEmulator { world in
            let first = try world.bus(vm("first", boot: "1"))
            try await open(first)
            let before = try await publish(["a", "b"], on: first)
            try await using(try world.bus(vm("second", boot: "2"))) { second in
                let subscription = try await second.subscribe(vm("second", boot: "2"), tail: 10)
                await first.close()
                let after = try await publish(["c", "d"], on: second)
                #expect(after[0].epoch > before[1].epoch && after[0].offset == 1)
                let reading = try await read(subscription) { $0.bodies.last == "d" }
                #expect(reading.bodies == ["a", "b", "c", "d"] && reading.losses.isEmpty)
                #expect(reading.positions == before + after)
            }
        }
    }

    @Test("when the leader leaves in order another VM takes over at once")
    func leaderLeaves() async throws {
        try await withEmulator { world in
            let first = try world.bus(vm("first", boot: "1"))
            try await open(first)
            let leaving = try await first.subscribe(vm("first", boot: "1"), tail: 0)
            try await using(try world.bus(vm("second", boot: "2"))) { second in
                let subscription = try await second.subscribe(vm("second", boot: "2"), tail: 0)
                let before = try await publish(["a"], on: first)
                try await leaving.delete()
                let after = try await publish(["b"], on: second)
                let reading = try await read(subscription) { $0.bodies.last == "b" }
                #expect(reading.positions == before + after && reading.losses.isEmpty)
            }
            await first.close()
        }
    }

    @Test("while the lead goes round among VMs that publish, every alert has one place, the same for all")
    func leadGoesRound() async throws {
        try await withEmulator { world in
            try await withVMs(["one", "two", "three"], of: world) { buses in
                var subscriptions: [any Subscription] = []
                for (index, bus) in buses.enumerated() {
                    let name = ["one", "two", "three"][index]
                    subscriptions.append(try await bus.subscribe(vm(name, boot: "boot-\(name)"), tail: 0))
                }
                try await withThrowingTaskGroup(of: Void.self) { group in
                    for (index, bus) in buses.enumerated() {
                        group.addTask {
                            for number in 0..<100 { try await publish(["\(index)-\(number)"], on: bus) }
                        }
                    }
                    group.addTask {
                        for round in 0..<9 {
                            await buses[round % 3].store.replica.takeOver(yielding: ReplicaTiming().ceding)
                        }
                    }
                    try await group.waitForAll()
                }
                try await publish(["end"], on: buses[0])
                var readings: [Reading] = []
                for subscription in subscriptions {
                    readings.append(try await read(subscription) { $0.bodies.last == "end" })
                }
                let first = readings[0]
                #expect(first.alerts.count == 301 && Set(first.bodies).count == 301 && first.losses.isEmpty)
                #expect(first.alerts.allSatisfy { $0.healedFrom == nil })
                #expect(Set(first.positions.map(\.epoch)).count > 3)
                for reading in readings {
                    #expect(reading.positions == first.positions && reading.bodies == first.bodies)
                }
            }
        }
    }

    /// Runs something with the buses of several VMs.
    private func withVMs(
        _ names: [String], of world: GoogleWorld, _ body: ([SharedLogBus<GoogleLogStore>]) async throws -> Void
    ) async throws {
        var buses: [SharedLogBus<GoogleLogStore>] = []
        try await perform {
            for name in names {
                let bus = try world.bus(vm(name, boot: "boot-\(name)"))
                buses.append(bus)
                try await open(bus)
            }
            try await body(buses)
        } finally: {
            for bus in buses { await bus.close() }
        }
    }
}
