import NIOConcurrencyHelpers
import NIOCore
import Testing

@testable import Reactor

@Suite(.timeLimit(.minutes(5))) struct ReactorLoopTests {
    @Test("tasks run on the loop's thread, in the order in which they were given") func order() async throws {
        let loop = try ReactorLoop()
        let seen = NIOLockedValueBox<[Int]>([])
        for number in 0..<1000 {
            loop.execute {
                loop.preconditionInEventLoop()
                seen.withLockedValue { $0.append(number) }
            }
        }
        try await loop.submit {}.get()
        #expect(seen.withLockedValue { $0 } == Array(0..<1000))
        #expect(!loop.inEventLoop)
        try await loop.shutdownGracefully()
    }

    @Test("a task that leaves another for the loop lets timers and sockets have their turn") func turns() async throws {
        let loop = try ReactorLoop()
        let isDone = NIOLockedValueBox(false)
        @Sendable func goOn() {
            if !isDone.withLockedValue({ $0 }) { loop.execute(goOn) }
        }
        loop.execute(goOn)
        try await loop.scheduleTask(in: .milliseconds(5)) { isDone.withLockedValue { $0 = true } }.futureResult.get()
        try await loop.shutdownGracefully()
    }

    @Test("timers run in the order of their times, those of one time in the order in which they came")
    func timers() async throws {
        let loop = try ReactorLoop()
        let seen = NIOLockedValueBox<[Int]>([])
        let start = NIODeadline.now() + .milliseconds(20)
        for (number, delay) in [(3, 2), (1, 1), (4, 2), (0, 0), (2, 1)] {
            loop.scheduleTask(deadline: start + .milliseconds(Int64(delay))) {
                seen.withLockedValue { $0.append(number) }
            }
        }
        try await loop.scheduleTask(deadline: start + .milliseconds(3)) {}.futureResult.get()
        #expect(seen.withLockedValue { $0 } == [0, 1, 2, 3, 4])
        try await loop.shutdownGracefully()
    }

    @Test("a timer never runs before its time") func early() async throws {
        let loop = try ReactorLoop()
        for milliseconds in [0, 1, 3] as [Int64] {
            let due = NIODeadline.now() + .milliseconds(milliseconds)
            let ran = try await loop.scheduleTask(deadline: due) { NIODeadline.now() }.futureResult.get()
            #expect(ran >= due)
        }
        try await loop.shutdownGracefully()
    }

    @Test("a cancelled timer does not run, wherever it was cancelled") func cancel() async throws {
        let loop = try ReactorLoop()
        let runs = NIOLockedValueBox(0)
        let soon = TimeAmount.milliseconds(30)
        let outside = loop.scheduleTask(in: soon) { runs.withLockedValue { $0 += 1 } }
        outside.cancel()
        try await loop.submit {
            let inside = loop.scheduleTask(in: soon) { runs.withLockedValue { $0 += 1 } }
            inside.cancel()
        }.get()
        await #expect(throws: EventLoopError.self) { try await outside.futureResult.get() }
        try await loop.scheduleTask(in: soon + .milliseconds(1)) {}.futureResult.get()
        #expect(runs.withLockedValue { $0 } == 0)
        try await loop.shutdownGracefully()
    }

    @Test("cancelled timers leave the heap before their time") func heap() {
        var timers = Timers()
        let far = NIODeadline.uptimeNanoseconds(1 << 60)
        let kept = timers.add(at: far) {}
        for _ in 0..<10_000 { timers.cancel(timers.add(at: far) {}) }
        #expect(timers.count < 200)
        timers.cancel(kept)
        timers.cancel(kept)
        #expect(timers.takeDue(at: far) == nil)
    }

    @Test("repeated tasks of NIO's and values bound to a loop work on it") func nio() async throws {
        let loop = try ReactorLoop()
        let bound = try await loop.submit { NIOLoopBound(Counter(), eventLoop: loop) }.get()
        let promise = loop.makePromise(of: Void.self)
        loop.scheduleRepeatedTask(initialDelay: .zero, delay: .milliseconds(1)) { task in
            bound.value.count += 1
            if bound.value.count == 3 {
                task.cancel()
                promise.succeed()
            }
        }
        try await promise.futureResult.get()
        try await loop.shutdownGracefully()
    }

    @Test("a loop that has ended drops what it is given") func ended() async throws {
        let loop = try ReactorLoop()
        try await loop.shutdownGracefully()
        loop.execute { Issue.record("ran after the end") }
        #expect(!loop.inEventLoop)
    }

    @Test("a group gives its loops out in turn and ends them all") func group() async throws {
        let group = try ReactorLoopGroup(count: 3)
        let given = (0..<6).map { _ in group.nextLoop() }
        #expect(given[0] === given[3] && given[1] === given[4] && given[2] === given[5])
        #expect(Set(given.map(ObjectIdentifier.init)).count == 3)
        try await group.shutdownGracefully()
    }

    private final class Counter { var count = 0 }
}
