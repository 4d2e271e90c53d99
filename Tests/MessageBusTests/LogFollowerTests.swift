import CrierTesting
import Testing

@testable import MessageBus

struct LogFollowerTests {
    private static let body = Draft(
        topic: Topic("t")!, content: AlertContent(message: "m"), time: WallTime(milliseconds: 1), sender: nil,
        region: "here"
    ).encoded

    private func at(_ epoch: UInt64, _ offset: UInt64) -> Position { Position(epoch: epoch, offset: offset) }

    private func stored(
        _ epoch: UInt64, _ offset: UInt64, after predecessor: Position? = nil, healedFrom: Position? = nil,
        body: [UInt8] = body
    ) -> StoredAlert {
        StoredAlert(
            position: at(epoch, offset), body: body, healedFrom: healedFrom, predecessor: predecessor)
    }

    /// What a reading led to, in words.
    private func words(_ steps: [LogFollower.Step]) -> [String] {
        steps.map { step in
            switch step {
            case .deliver(.alerts(let alerts)):
                "alerts " + alerts.map { "\($0.position.epoch)-\($0.position.offset)" }.joined(separator: " ")
            case .deliver(.lost(let loss)):
                "lost \(loss.cause.rawValue) \(loss.resumesAfter.epoch)-\(loss.resumesAfter.offset)"
            case .deliver(.away), .deliver(.back): "unexpected"
            case .heal(let after, let epoch): "heal \(after.epoch)-\(after.offset) \(epoch)"
            case .readAgain: "again"
            }
        }
    }

    @Test("What follows the cursor is handed over, and what does not is left out")
    func inOrder() {
        var follower = LogFollower(after: at(5, 2))
        #expect(words(follower.take([stored(5, 1), stored(5, 2), stored(5, 3), stored(5, 4)])) == ["alerts 5-3 5-4"])
        #expect(follower.cursor == at(5, 4))
        #expect(words(follower.take([])) == [])
    }

    @Test("A hole is read again once, and then said before what stands after it")
    func hole() {
        var follower = LogFollower(after: at(5, 2))
        #expect(words(follower.take([stored(5, 3), stored(5, 6)])) == ["alerts 5-3", "again"])
        #expect(follower.cursor == at(5, 3))
        #expect(words(follower.take([stored(5, 6), stored(5, 7)])) == ["lost retention 5-5", "alerts 5-6 5-7"])
        #expect(follower.cursor == at(5, 7))
        #expect(words(follower.take([stored(5, 9)])) == ["again"])
        #expect(words(follower.take([stored(5, 8), stored(5, 9)])) == ["alerts 5-8 5-9"])
    }

    @Test("A new epoch that follows the cursor loses nothing")
    func newEpoch() {
        var follower = LogFollower(after: at(5, 2))
        #expect(words(follower.take([stored(9, 1, after: at(5, 2))])) == ["heal 5-2 9", "alerts 9-1"])
        #expect(
            words(follower.take([stored(12, 1, after: at(9, 1)), stored(12, 2)])) == [
                "heal 9-1 12", "alerts 12-1 12-2",
            ])
    }

    @Test("A new epoch whose log lost what the VM has is healed after what is left of it")
    func lostTail() {
        var follower = LogFollower(after: at(5, 8))
        #expect(words(follower.take([stored(9, 1, after: at(5, 3))])) == ["heal 5-3 9", "alerts 9-1"])
        var flushed = LogFollower(after: at(5, 8))
        #expect(words(flushed.take([stored(9, 1, after: .origin)])) == ["heal 0-0 9", "alerts 9-1"])
    }

    @Test("A new epoch whose beginning, or whose predecessors, are not held any more is a loss")
    func trimmedEpoch() {
        var follower = LogFollower(after: at(5, 2))
        #expect(words(follower.take([stored(9, 4)])) == ["again"])
        #expect(words(follower.take([stored(9, 4)])) == ["lost retention 9-3", "alerts 9-4"])
        var late = LogFollower(after: at(5, 2))
        #expect(words(late.take([stored(9, 1, after: at(5, 7))])) == ["again"])
        #expect(words(late.take([stored(9, 1, after: at(5, 7))])) == ["lost retention 9-0", "alerts 9-1"])
    }

    @Test("What others heal goes on where the VM was, or is a loss")
    func healed() {
        var follower = LogFollower(after: at(5, 3))
        let contiguous = [
            stored(9, 1, after: at(5, 2), healedFrom: at(5, 3)), stored(9, 2, healedFrom: at(5, 4)),
            stored(9, 3), stored(9, 4, healedFrom: at(5, 5)),
        ]
        #expect(words(follower.take(contiguous)) == ["heal 5-2 9", "alerts 9-1 9-2 9-3 9-4"])
        var behind = LogFollower(after: at(5, 3))
        let holed = [stored(9, 1, after: at(5, 2), healedFrom: at(5, 7)), stored(9, 2, healedFrom: at(5, 8))]
        #expect(words(behind.take(holed)) == ["heal 5-2 9", "lost lost 9-0", "alerts 9-1 9-2"])
    }

    @Test("Bytes that are no alert are a loss of their position only")
    func unreadable() {
        var follower = LogFollower(after: at(5, 1))
        let steps = follower.take([stored(5, 2), stored(5, 3, body: Array("{}".utf8)), stored(5, 4)])
        #expect(words(steps) == ["alerts 5-2", "lost lost 5-3", "alerts 5-4"])
    }

    @Test(
        "Whatever a store says, the cursor only grows and alerts are contiguous or a loss is said", arguments: 0..<200)
    func anyReading(_ seed: UInt64) {
        var random = SeededGenerator(seed: seed)
        var follower = LogFollower(after: at(3, 3))
        var last = follower.cursor
        for _ in 0..<200 {
            let entries = (0..<Int.random(in: 0...4, using: &random)).map { _ in
                stored(
                    UInt64.random(in: 2...6, using: &random), UInt64.random(in: 0...8, using: &random),
                    after: Bool.random(using: &random)
                        ? at(UInt64.random(in: 0...6, using: &random), UInt64.random(in: 0...8, using: &random)) : nil,
                    healedFrom: Int.random(in: 0..<4, using: &random) == 0
                        ? at(UInt64.random(in: 0...6, using: &random), UInt64.random(in: 0...8, using: &random)) : nil)
            }.sorted { $0.position < $1.position }
            for step in follower.take(entries) {
                switch step {
                case .deliver(.alerts(let alerts)):
                    for alert in alerts {
                        #expect(last.isFollowed(by: alert.position))
                        last = alert.position
                    }
                case .deliver(.lost(let loss)):
                    #expect(loss.resumesAfter >= last)
                    last = loss.resumesAfter
                case .heal(_, let epoch):
                    #expect(epoch > last.epoch)
                    last = at(epoch, 0)
                default: break
                }
            }
            #expect(follower.cursor == last)
        }
    }
}
