import MessageBus
import NIOConcurrencyHelpers
import NIOCore
import Testing

@testable import Gateway

@Suite struct FleetTests {
    static func record(_ id: String, _ region: String, sockets: Int = 0, lag: UInt64 = 0) throws -> VMRecord {
        let time = WallTime(milliseconds: 0)
        return VMRecord(
            vm: try #require(VMIdentity(id: id, region: region, boot: "b")),
            load: VMLoad(sockets: sockets, position: .origin), lag: lag, since: time, seen: time)
    }

    private static let own = Fleet.VM(id: "own", region: "syd", sockets: 7)

    @Test("it knows who is where, in order of regions and ids")
    func lookups() throws {
        let fleet = Fleet(
            own: Self.own,
            records: try [
                Self.record("z", "ams", sockets: 3, lag: 4), Self.record("own", "syd", sockets: 9, lag: 1),
                Self.record("a", "fra"), Self.record("b", "ams"),
            ])
        #expect(fleet.vms.map(\.id) == ["b", "z", "a", "own"])
        #expect(fleet.vms[1] == Fleet.VM(id: "z", region: "ams", sockets: 3, lag: 4, since: WallTime(milliseconds: 0)))
        #expect(
            fleet.vms[3] == Fleet.VM(id: "own", region: "syd", sockets: 9, lag: 1, since: WallTime(milliseconds: 0)))
        #expect(fleet.isAlive("a") && fleet.isAlive("own") && !fleet.isAlive("c"))
        #expect(fleet.region(of: "z") == "ams" && fleet.region(of: "c") == nil)
        #expect(fleet.hasVM(in: "syd") && fleet.hasVM(in: "ams") && !fleet.hasVM(in: "nrt"))
    }

    @Test("this VM is in it although the bus does not know it, and where it says that it is")
    func own() throws {
        let alone = Fleet(own: Self.own, records: [])
        #expect(alone.vms == [Self.own] && alone.isAlive("own") && alone.hasVM(in: "syd"))
        let moved = Fleet(own: Self.own, records: [try Self.record("own", "ams")])
        #expect(moved.region(of: "own") == "syd" && !moved.hasVM(in: "ams"))
    }

    @Test("what was known counts while the bus is away, for as long as its patience lasts")
    func patience() async throws {
        let time = NIOLockedValueBox(NIODeadline.uptimeNanoseconds(0))
        let answer = NIOLockedValueBox<Result<[VMRecord], BusError>>(.failure(BusError(.unavailable, "away")))
        let watch = FleetWatch(
            own: { Self.own }, now: { time.withLockedValue { $0 } },
            ask: { () async throws(BusError) in try answer.withLockedValue { $0 }.get() })
        #expect(watch.current.vms == [Self.own])
        await watch.refresh()
        #expect(watch.current.vms == [Self.own])

        let other = try Self.record("other", "ams")
        answer.withLockedValue { $0 = .success([other]) }
        await watch.refresh()
        #expect(watch.current.isAlive("other") && watch.current.isAlive("own"))

        answer.withLockedValue { $0 = .failure(BusError(.unavailable, "away")) }
        time.withLockedValue { $0 = $0 + FleetWatch.patience }
        await watch.refresh()
        #expect(watch.current.isAlive("other"))
        time.withLockedValue { $0 = $0 + .nanoseconds(1) }
        #expect(watch.current.vms == [Self.own])

        answer.withLockedValue { $0 = .success([other]) }
        await watch.refresh()
        #expect(watch.current.isAlive("other"))
        answer.withLockedValue { $0 = .success([]) }
        await watch.refresh()
        #expect(!watch.current.isAlive("other"))
    }
}
