import NIOCore
import Testing

@testable import RedisBus

struct PendingRepliesTests {
    private let start = NIODeadline.uptimeNanoseconds(1_000)

    @Test("Replies go to requests in order, as many to each as it asked for")
    func inOrder() {
        var pending = PendingReplies<String>(capacity: 10)
        #expect(pending.add("first", replies: 2, by: start) == true)
        #expect(pending.add("second", replies: 1, by: start) == true)
        guard case .partial = pending.receive(.integer(1)) else { return wrong() }
        guard case .complete("first", [.integer(1), .integer(2)]) = pending.receive(.integer(2)) else { return wrong() }
        guard case .complete("second", [.null]) = pending.receive(.null) else { return wrong() }
        guard case .unexpected = pending.receive(.null) else { return wrong() }
    }

    @Test("A request that does not fit is refused, and one that was answered makes room")
    func bounded() {
        var pending = PendingReplies<Int>(capacity: 2)
        #expect(pending.add(1, replies: 1, by: start) == true)
        #expect(pending.add(2, replies: 1, by: start) == true)
        #expect(pending.add(3, replies: 1, by: start) == false)
        _ = pending.receive(.null)
        #expect(pending.add(4, replies: 1, by: start) == true)
        #expect(pending.removeAll() == [2, 4])
        let left = pending.removeAll()
        #expect(left.isEmpty)
    }

    @Test("The deadline is the earliest, wherever it stands")
    func deadline() {
        var pending = PendingReplies<Int>(capacity: 10)
        #expect(pending.deadline == nil)
        _ = pending.add(1, replies: 1, by: start + .seconds(5))
        _ = pending.add(2, replies: 1, by: start + .seconds(2))
        #expect(pending.deadline == start + .seconds(2))
        _ = pending.receive(.null)
        _ = pending.receive(.null)
        #expect(pending.deadline == nil)
    }

    private func wrong() { Issue.record("a reply went elsewhere") }
}
