import CrierTesting
import MessageBus
import StrictJSON
import Testing

@testable import Broadcasting

/// Alerts that the bus lost and a VM put back: each reader gets them once, wherever it was before.
struct HealingTests {
    private static let next = ShardFixture.epoch + 1

    /// An alert of the next epoch, healed from an offset of this one where one is given.
    private func alert(_ offset: UInt64, healedFrom lost: UInt64? = nil, in fixture: ShardFixture) -> Alert {
        let draft = Draft(
            topic: Topic("a")!, content: AlertContent(message: "text"), time: fixture.clock.now, sender: nil,
            region: "here")
        return Alert(
            position: Position(epoch: Self.next, offset: offset), draft: draft,
            healedFrom: lost.map { Position(epoch: ShardFixture.epoch, offset: $0) })
    }

    /// A VM that has offsets 1 to 5 of the epoch that the bus lost from offset 4 on.
    private func ahead() -> ShardFixture {
        let fixture = ShardFixture()
        fixture.deliver((1...5).map { _ in fixture.alert() })
        return fixture
    }

    /// A VM that had only got as far as offset 3.
    private func behind() -> ShardFixture {
        let fixture = ShardFixture()
        fixture.deliver((1...3).map { _ in fixture.alert() })
        return fixture
    }

    private func healing(_ fixture: ShardFixture) -> [Alert] {
        [alert(1, healedFrom: 4, in: fixture), alert(2, healedFrom: 5, in: fixture), alert(3, in: fixture)]
    }

    @Test("A live reader of a VM that had the alerts gets only what is new")
    func liveAhead() throws {
        let fixture = ahead()
        let reader = try fixture.reader(fixture.interest("*"), since: .all)
        #expect(try reader.offsets() == [1, 2, 3, 4, 5])
        fixture.deliver(healing(fixture))
        #expect(try reader.offsets() == [3])
    }

    @Test("A live reader of a VM that did not have them gets them late")
    func liveBehind() throws {
        let fixture = behind()
        let reader = try fixture.reader(fixture.interest("*"), since: .all)
        #expect(try reader.offsets() == [1, 2, 3])
        fixture.deliver(healing(fixture))
        let events = try reader.events()
        #expect(events.compactMap { $0["healed_from"]?.stringValue } == [4, 5].map { fixture.position($0).id })
        #expect(events.count == 3)
    }

    @Test(
        "A reader that comes from a VM that had them to one that did not gets only what is new, live or from the ring")
    func movesBehind() throws {
        let fixture = behind()
        let live = try fixture.reader(fixture.interest("*"), since: .after(fixture.position(4)))
        fixture.deliver(healing(fixture))
        #expect(try live.offsets() == [2, 3])
        #expect(try fixture.reader(fixture.interest("*"), since: .after(fixture.position(5))).offsets() == [3])
    }

    @Test("A reader that comes from a VM that did not have them to one that did gets each once")
    func movesAhead() throws {
        let fixture = ahead()
        fixture.deliver(healing(fixture))
        #expect(try fixture.reader(fixture.interest("*"), since: .after(fixture.position(3))).offsets() == [4, 5, 3])
    }

    @Test("A reader that was in the new epoch already gets healed alerts, since nobody knows whether it had them")
    func unknown() throws {
        let fixture = ahead()
        fixture.deliver([alert(1, in: fixture)])
        let reader = try fixture.reader(
            fixture.interest("*"), since: .after(Position(epoch: Self.next, offset: 1)))
        fixture.deliver([alert(2, healedFrom: 4, in: fixture)])
        #expect(try reader.offsets() == [2])
    }

    @Test("Filters hold for healed alerts too")
    func filters() throws {
        let fixture = behind()
        let reader = try fixture.reader(fixture.interest("b"))
        let everything = try fixture.reader(fixture.interest("*"))
        fixture.deliver(healing(fixture))
        #expect(try reader.offsets() == [])
        #expect(try everything.offsets() == [1, 2, 3])
    }
}
