import CrierTesting
import MessageBus
import Testing

@testable import Gateway

/// Books of several VMs on one store.
@Suite struct PresenceBookTests {
    private let ams = RoomFixture.ams
    private let fra = RoomFixture.fra
    private let clock = VirtualClock()
    private let shared: InProcessStore

    init() { shared = InProcessStore(clock: clock.wallClock) }

    private func vm(_ id: String, timing: PresenceTiming = .forTests()) -> TestVM {
        TestVM(id, on: shared, clock: clock, timing: timing)
    }

    private func entries() async throws -> [StoreEntry] {
        try await shared.entries(of: PresenceNames.collection, limit: 100)
    }

    @Test("who enters and leaves on one VM is seen on the other")
    func others() async throws {
        let (a, b) = (vm("a"), vm("b"))
        try await TestVM.running(a, b) {
            let ada = a.enter(ams, as: "ada")
            let since = clock.now
            clock.advance(milliseconds: 10)
            let bob = b.enter(ams, as: "bob")
            let again = b.enter(ams, as: "ada")
            try await eventually("both at a") { a.names(in: ams) == ["ada", "bob"] }
            // Both are at b anyway: what a tells of ada is that she is there since earlier.
            try await eventually("a's word at b") { b.book.people(in: ams).first?.since == since }
            #expect(b.names(in: ams) == ["ada", "bob"])
            #expect(b.book.counts() == [RoomCount(room: ams, people: 2, vms: 2)])
            ada.leave()
            ada.leave()
            try await eventually("ada by way of b alone") { b.book.people(in: ams).allSatisfy { $0.since > since } }
            #expect(b.names(in: ams) == ["ada", "bob"])
            again.leave()
            bob.leave()
            try await eventually("nobody at a") { a.names(in: ams).isEmpty && a.book.counts().isEmpty }
        }
    }

    @Test("others see a change as soon as they are told of it, with no reading of their own")
    func told() async throws {
        let timing = PresenceTiming.forTests {
            $0.refresh = .seconds(3600)
            $0.interest = .seconds(3600)
        }
        let b = vm("b", timing: timing)
        let a = TestVM("a", on: shared, clock: clock, timing: timing) { _ in b.book.refresh() }
        try await TestVM.running(a, b) {
            let bob = b.enter(ams, as: "bob")
            try await eventually("a reading") { b.store.asked.listings > 0 }
            let ada = a.enter(ams, as: "ada")
            try await eventually("ada at b") { b.names(in: ams) == ["ada", "bob"] }
            ada.leave()
            try await eventually("no ada at b") { b.names(in: ams) == ["bob"] }
            #expect(a.announced == [ams, ams])
            bob.leave()
        }
    }

    @Test("people here show at once, before the store knows, and where there is none")
    func here() {
        let a = vm("a")
        a.store.setAway(true)
        let ada = a.enter(ams, as: "ada")
        let again = a.enter(ams, as: "ada")
        let bob = a.enter(fra, as: "bob")
        #expect(a.names(in: ams) == ["ada"])
        #expect(
            a.book.counts() == [RoomCount(room: ams, people: 1, vms: 1), RoomCount(room: fra, people: 1, vms: 1)])
        ada.leave()
        #expect(a.names(in: ams) == ["ada"])
        again.leave()
        bob.leave()
        #expect(a.book.counts().isEmpty)
    }

    @Test("a VM that crashed is forgotten with its lease, and not before")
    func crash() async throws {
        let (a, b) = (vm("a"), vm("b"))
        try await TestVM.running(a, b) {
            let stays = [a.enter(ams, as: "ada"), a.enter(ams, as: "bob"), b.enter(ams, as: "bob")]
            try await eventually("both at b") { b.names(in: ams) == ["ada", "bob"] }
            // To the others, a VM that the store hears nothing of has crashed.
            a.store.setAway(true)
            try await eventually("its absence") { a.log.messages.count == 2 }
            clock.advance(milliseconds: 700)
            try await reads(2, of: b)
            #expect(b.names(in: ams) == ["ada", "bob"])
            clock.advance(milliseconds: 100)
            try await reads(2, of: b)
            #expect(b.names(in: ams) == ["bob"])
            #expect(b.book.counts() == [RoomCount(room: ams, people: 1, vms: 1)])
            for stay in stays { stay.leave() }
        }
    }

    @Test("while the store is away the others stay for as long as a lease, and come back with it")
    func away() async throws {
        let (a, b) = (vm("a"), vm("b"))
        try await TestVM.running(a, b) {
            let ada = a.enter(ams, as: "ada")
            let bob = b.enter(ams, as: "bob")
            try await eventually("both at b") { b.names(in: ams) == ["ada", "bob"] }
            b.store.setAway(true)
            try await eventually("its absence") { b.log.messages.count == 2 }
            clock.advance(milliseconds: 700)
            #expect(b.names(in: ams) == ["ada", "bob"])
            let cid = b.enter(ams, as: "cid")
            #expect(b.names(in: ams) == ["ada", "bob", "cid"])
            clock.advance(milliseconds: 101)
            #expect(b.names(in: ams) == ["bob", "cid"])
            b.store.setAway(false)
            try await eventually("all at b") { b.names(in: ams) == ["ada", "bob", "cid"] }
            try await eventually("all at a") { a.names(in: ams) == ["ada", "bob", "cid"] }
            try await eventually("two recoveries") { b.log.messages.count { $0 == "presence works again" } == 2 }
            #expect(b.log.messages.count { $0 == "presence fails" } == 2)
            #expect(b.log.messages.count == 4)
            for stay in [ada, bob, cid] { stay.leave() }
        }
    }

    @Test("who listens is told when the others are too old to be shown, though nothing is read")
    func forgotten() async throws {
        let (a, b) = (vm("a"), vm("b"))
        try await TestVM.running(a, b) {
            let ada = a.enter(ams, as: "ada")
            let lists = ToldLists()
            let bob = lists.enter(ams, as: "bob", in: b.book)
            try await eventually("both told") { lists.last == ["ada", "bob"] }
            b.store.setAway(true)
            try await eventually("a failure") { b.store.asked.failures > 0 }
            clock.advance(milliseconds: 5_000)
            try await eventually("bob alone told") { lists.last == ["bob"] }
            for stay in [ada, bob] { stay.leave() }
        }
    }

    @Test("many changes are few writes, and a change that nobody sees is none")
    func debounce() async throws {
        let a = vm("a", timing: .forTests { $0.debounce = .milliseconds(500) })
        let b = vm("b")
        try await TestVM.running(a, b) {
            let spans = spans(of: .milliseconds(500))
            var stays: [Stay] = []
            for guest in 0..<200 {
                stays.append(a.enter(ams, as: "guest-\(guest)"))
                await letOthersRun()
            }
            try await eventually("all at b") { b.names(in: ams).count == 200 }
            #expect(a.store.asked.sets <= 3 + spans())
            let sets = a.store.asked.sets
            a.enter(ams, as: "guest-0").leave()
            try await extensions(3, of: a)
            #expect(a.store.asked.sets == sets)
            #expect(Set(a.announced) == [ams])
            #expect(a.announced.count <= 3 + spans())
            for stay in stays { stay.leave() }
            try await eventually("nobody at b") { b.names(in: ams).isEmpty }
            #expect(a.store.asked.sets <= sets + 3 + spans())
        }
    }

    @Test("a record is renewed without being written, and written again where the store lost it")
    func renewal() async throws {
        let a = vm("a")
        try await TestVM.running(a) {
            let ada = a.enter(ams, as: "ada")
            for _ in 0..<10 {
                try await extensions(2, of: a)
                clock.advance(milliseconds: 400)
            }
            #expect(a.store.asked.sets == 1)
            let entry = try #require(try await entries().first)
            #expect(try await shared.remove(entry.name))
            try await eventually("the record") { try await entries() == [entry] }
            ada.leave()
            try await eventually("no record") { try await entries().isEmpty }
        }
    }

    @Test("the record is removed when the book ends, and not another's")
    func farewell() async throws {
        let (a, b) = (vm("a"), vm("b"))
        try await TestVM.running(b) {
            let bob = b.enter(ams, as: "bob")
            let ada = a.enter(ams, as: "ada")
            try await TestVM.running(a) {
                try await eventually("both records") { try await entries().count == 2 }
                try await eventually("both at b") { b.names(in: ams).count == 2 }
            }
            #expect(try await entries().map(\.name.key) == ["b-boot-0"])
            try await eventually("bob alone") { b.names(in: ams) == ["bob"] }
            for stay in [ada, bob] { stay.leave() }
        }
    }

    @Test("the end does not wait for a store that is away")
    func farewellAway() async throws {
        let a = vm("a")
        try await TestVM.running(a) {
            _ = a.enter(ams, as: "ada")
            try await eventually("the record") { try await entries().count == 1 }
            a.store.setAway(true)
        }
        // It was asked once, and that was the end.
        #expect(a.store.asked.removals == 1)
        #expect(try await entries().count == 1)
    }

    @Test("a record of many parts is seen whole, and its parts go with the people")
    func parts() async throws {
        let (a, b) = (vm("a"), vm("b"))
        try await TestVM.running(a, b) {
            let stays = (0..<600).map { a.enter(ams, as: "\($0)-" + String(repeating: "x", count: 240)) }
            try await eventually("all at b") { b.names(in: ams).count == 600 }
            #expect(try await entries().count == 3)
            for stay in stays.dropFirst(2) { stay.leave() }
            try await eventually("two at b") { b.names(in: ams).count == 2 }
            try await eventually("one part") { try await entries().count == 1 }
            for stay in stays { stay.leave() }
        }
    }

    @Test("many calls of refresh are few readings")
    func refreshes() async throws {
        let timing = PresenceTiming.forTests {
            $0.refresh = .seconds(3600)
            $0.debounce = .milliseconds(500)
        }
        let b = vm("b", timing: timing)
        try await TestVM.running(b) {
            let spans = spans(of: timing.debounce)
            let bob = b.enter(ams, as: "bob")
            for _ in 0..<200 {
                b.book.refresh()
                await letOthersRun()
            }
            try await eventually("a reading") { b.store.asked.listings > 0 }
            try await eventually("the record") { try await entries().count == 1 }
            // One at once, one for each half second that it took, and one that may be under way.
            #expect(b.store.asked.listings <= 3 + spans())
            bob.leave()
        }
    }

    @Test("nothing is read where nobody wants to know, and again once someone asks")
    func interest() async throws {
        let (a, b) = (vm("a"), vm("b"))
        try await TestVM.running(a, b) {
            let ada = a.enter(ams, as: "ada")
            b.book.refresh()
            try await extensions(5, of: a)
            #expect(b.store.asked.listings == 0)
            #expect(b.book.counts().isEmpty)
            try await eventually("a reading") { b.store.asked.listings > 0 }
            try await eventually("ada at b") { b.names(in: ams) == ["ada"] }
            clock.advance(milliseconds: 10_000)
            try await extensions(5, of: a)
            let listings = b.store.asked.listings
            b.book.refresh()
            try await extensions(5, of: a)
            #expect(b.store.asked.listings == listings)
            ada.leave()
        }
    }

    @Test("an entry of another VM that is no record is left out, and complained of once")
    func unreadable() async throws {
        let (a, b) = (vm("a"), vm("b"))
        let name = try #require(StoreName(PresenceNames.collection, "0-x-0"))
        try await shared.set(name, Array("{}".utf8), lasting: .seconds(3600))
        try await TestVM.running(a, b) {
            let stays = [a.enter(ams, as: "ada"), b.enter(ams, as: "bob")]
            try await eventually("both at b") { b.names(in: ams) == ["ada", "bob"] }
            try await reads(3, of: b)
            #expect(b.log.messages == ["a presence record cannot be read, and is left out"])
            for stay in stays { stay.leave() }
        }
    }

    /// Counts how often a span has gone by since it was asked to.
    private func spans(of span: Duration) -> @Sendable () -> Int {
        let began = ContinuousClock.now
        return { Int((ContinuousClock.now - began) / span) }
    }

    /// Gives the books the time to do what they would do at once.
    private func letOthersRun() async {
        for _ in 0..<20 { await Task.yield() }
    }

    /// Waits for readings that begin after this.
    private func reads(_ count: Int, of vm: TestVM) async throws {
        let before = vm.store.asked.listings
        try await eventually("\(count) readings") {
            _ = vm.book.counts()
            return vm.store.asked.listings > before + count
        }
    }

    private func extensions(_ count: Int, of vm: TestVM) async throws {
        let before = vm.store.asked.extensions
        try await eventually("\(count) renewals") { vm.store.asked.extensions >= before + count }
    }
}
