import MessageBus
import Testing

@testable import Gateway

@Suite struct LocalPresenceTests {
    private let ams = RoomFixture.ams
    private let fra = RoomFixture.fra

    @Test("a person with several sockets is there once, since the earliest that is left")
    func stays() {
        var presence = LocalPresence()
        let entered = [10, 20, 20].map { presence.enter(ams, as: "ada", at: .at($0)) }
        #expect(entered == [true, false, false])
        #expect(presence.people(in: ams) == [.named("ada", 10)])
        let first = presence.leave(ams, as: "ada", since: .at(10))
        #expect(first)
        #expect(presence.people(in: ams) == [.named("ada", 20)])
        let second = presence.leave(ams, as: "ada", since: .at(20))
        #expect(!second)
        #expect(presence.count(in: ams) == 1)
        let third = presence.leave(ams, as: "ada", since: .at(20))
        #expect(third)
        #expect(presence.isEmpty)
    }

    @Test("a later stay that ends changes nothing")
    func later() {
        var presence = LocalPresence()
        for time: Int64 in [10, 20] { _ = presence.enter(ams, as: "ada", at: .at(time)) }
        let changed = presence.leave(ams, as: "ada", since: .at(20))
        #expect(!changed)
        #expect(presence.people(in: ams) == [.named("ada", 10)])
    }

    @Test("a clock that was put back makes a stay the earliest")
    func clock() {
        var presence = LocalPresence()
        let entered = [20, 10].map { presence.enter(ams, as: "ada", at: .at($0)) }
        #expect(entered == [true, true])
        #expect(presence.people(in: ams) == [.named("ada", 10)])
    }

    @Test("rooms and names are apart, and leaving what is not there has no effect")
    func apart() {
        var presence = LocalPresence()
        _ = presence.enter(ams, as: "ada", at: .at(10))
        _ = presence.enter(fra, as: "bob", at: .at(11))
        let none = [
            presence.leave(fra, as: "ada", since: .at(10)), presence.leave(ams, as: "ada", since: .at(11)),
            presence.leave(ams, as: "bob", since: .at(11)),
        ]
        #expect(none == [false, false, false])
        #expect(Set(presence.occupied) == [ams, fra])
        let left = [10, 10].map { presence.leave(ams, as: "ada", since: .at($0)) }
        #expect(left == [true, false])
        #expect(Set(presence.occupied) == [fra])
    }

    @Test("a long name is cut between two scalars")
    func names() {
        #expect(Person.held("ada") == "ada")
        let held = Person.held(String(repeating: "x", count: 255) + "é" + "y")
        #expect(held == String(repeating: "x", count: 255))
        #expect(Person.held(String(repeating: "é", count: 500)).utf8.count == 256)
        #expect(Person.held("e" + String(repeating: "\u{301}", count: 500)).utf8.count <= 256)
    }
}
