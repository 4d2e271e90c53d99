import Testing

@testable import MessageBus

struct IdempotencyWindowTests {
    private let a = Topic("a")!
    private let b = Topic("b")!
    private let start = WallTime(seconds: 1_800_000_000)

    private func position(_ offset: UInt64) -> Position { Position(epoch: 1, offset: offset) }

    @Test("A key stands for its first alert, on its own topic")
    func first() {
        var window = IdempotencyWindow()
        #expect(window.remember("k", on: a, at: position(1), now: start) == position(1))
        #expect(window.remember("k", on: a, at: position(2), now: start) == position(1))
        #expect(window.remember("k", on: b, at: position(2), now: start) == position(2))
        #expect(window.remember("l", on: a, at: position(3), now: start) == position(3))
    }

    @Test("A key is forgotten five minutes after its first alert, not after its last")
    func expires() {
        var window = IdempotencyWindow()
        _ = window.remember("k", on: a, at: position(1), now: start)
        let almost = start.advanced(byMilliseconds: IdempotencyWindow.lifetime - 1)
        window.forgetExpired(now: almost)
        #expect(window.remember("k", on: a, at: position(2), now: almost) == position(1))
        let end = start.advanced(byMilliseconds: IdempotencyWindow.lifetime)
        window.forgetExpired(now: end)
        #expect(window.remember("k", on: a, at: position(3), now: end) == position(3))
    }

    @Test("Past the capacity the oldest keys go first")
    func bounded() {
        var window = IdempotencyWindow(capacity: 2)
        for (offset, key) in ["k", "l", "m"].enumerated() {
            _ = window.remember(key, on: a, at: position(UInt64(offset + 1)), now: start)
        }
        #expect(window.remember("m", on: a, at: position(9), now: start) == position(3))
        #expect(window.remember("l", on: a, at: position(9), now: start) == position(2))
        #expect(window.remember("k", on: a, at: position(9), now: start) == position(9))
    }
}
