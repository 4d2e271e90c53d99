import CrierTesting
import MessageBus
import NIOConcurrencyHelpers
import NIOCore
import NIOPosix
import Testing

@testable import Gateway

/// Who is in a room is told of its people.
@Suite struct ToldTests {
    private let ams = RoomFixture.ams
    private let clock = VirtualClock()
    private let vm: TestVM

    init() { vm = TestVM("a", on: InProcessStore(clock: clock.wallClock), clock: clock) }

    @Test("everyone is told who is there when they enter, and then what changes, each time the whole list once")
    func lists() async throws {
        let (ada, bob) = (ToldLists(), ToldLists())
        let first = ada.enter(ams, as: "ada", in: vm.book)
        try await eventually("the first list") { ada.last == ["ada"] }
        clock.advance(milliseconds: 1)
        let second = bob.enter(ams, as: "bob", in: vm.book)
        try await eventually("both told") { ada.last == ["ada", "bob"] && bob.last == ["ada", "bob"] }
        let again = vm.enter(ams, as: "ada")
        let elsewhere = vm.enter(RoomFixture.fra, as: "eve")
        first.leave()
        try await eventually("ada, later") { bob.all.last?.map(\.name) == ["ada", "bob"] && bob.all.count == 2 }
        again.leave()
        try await eventually("bob alone") { bob.last == ["bob"] }
        #expect(ada.all.map { $0.map(\.name) } == [["ada"], ["ada", "bob"]])
        #expect(bob.all.map { $0.map(\.name) } == [["ada", "bob"], ["ada", "bob"], ["bob"]])
        second.leave()
        elsewhere.leave()
    }

    @Test("nobody is told from within enter")
    func later() async throws {
        let lists = ToldLists()
        let counts = try await lists.eventLoop.submit {
            let stay = lists.enter(ams, as: "ada", in: vm.book)
            let count = lists.all.count
            stay.leave()
            return count
        }.get()
        #expect(counts == 0)
        try await lists.eventLoop.submit {}.get()
        #expect(lists.all.isEmpty)
    }

    @Test("who left on the loop is never told again, however much changes meanwhile")
    func never() async throws {
        let eventLoop = MultiThreadedEventLoopGroup.singleton.next()
        let hasLeft = NIOLockedValueBox(false)
        let violations = NIOLockedValueBox(0)
        for round in 0..<200 {
            hasLeft.withLockedValue { $0 = false }
            let told = NIOLockedValueBox(0)
            let stay = vm.book.enter(ams, as: "ada", on: eventLoop) { _ in
                told.withLockedValue { $0 += 1 }
                if hasLeft.withLockedValue({ $0 }) { violations.withLockedValue { $0 += 1 } }
            }
            // Changes come from this thread while the loop lets go.
            async let left: Void = eventLoop.submit {
                stay.leave()
                hasLeft.withLockedValue { $0 = true }
            }.get()
            for guest in 0..<10 { vm.enter(ams, as: "guest-\(round)-\(guest)").leave() }
            try await left
            try await eventLoop.submit {}.get()
        }
        #expect(violations.withLockedValue { $0 } == 0)
    }

    @Test("one who is told may let another leave, who is not told then")
    func leavingWhileTold() async throws {
        let eventLoop = MultiThreadedEventLoopGroup.singleton.next()
        let stays = NIOLockedValueBox<[Stay]>([])
        let told = NIOLockedValueBox<[Int]>([])
        try await eventLoop.submit {
            for index in 0..<3 {
                let stay = vm.book.enter(ams, as: "guest-\(index)", on: eventLoop) { _ in
                    told.withLockedValue { $0.append(index) }
                    for stay in stays.withLockedValue({ $0 }) { stay.leave() }
                }
                stays.withLockedValue { $0.append(stay) }
            }
        }.get()
        try await eventually("one told") { !told.withLockedValue { $0.isEmpty } }
        try await eventLoop.submit {}.get()
        #expect(told.withLockedValue { $0.count } == 1)
        #expect(vm.names(in: ams).isEmpty)
    }

    @Test("changes in quick succession come together where the room is full, and the last is told")
    func crowd() async throws {
        let lists = ToldLists()
        let crowd = (0..<2_000).map { vm.enter(ams, as: "guest-\($0)") }
        let ada = lists.enter(ams, as: "ada", in: vm.book)
        try await eventually("all told") { lists.last?.count == 2_001 }
        let before = lists.all.count
        for stay in crowd { stay.leave() }
        try await eventually("ada alone told") { lists.last == ["ada"] }
        #expect(lists.all.count - before < 1_000)
        ada.leave()
    }
}
