import NIOCore
import Reactor
import Testing

@Suite(.timeLimit(.minutes(5))) struct TaskExecutorTests {
    @Test("a task that prefers the loop runs on it, after each wait as well") func prefers() async throws {
        let loop = try ReactorLoop()
        let places = await withTaskExecutorPreference(loop) {
            var places = [loop.inEventLoop]
            await Task.yield()
            places.append(loop.inEventLoop)
            await withCheckedContinuation { continuation in
                Task.detached { continuation.resume() }
            }
            places.append(loop.inEventLoop)
            return places
        }
        #expect(places == [true, true, true])
        #expect(!loop.inEventLoop)
        try await loop.shutdownGracefully()
    }

    @Test("a task that is in the middle when the loop ends is finished") func ends() async throws {
        let loop = try ReactorLoop()
        let (gate, opening) = AsyncStream.makeStream(of: Void.self)
        let task = Task(executorPreference: loop) {
            for await _ in gate { break }
            for _ in 0..<100 { await Task.yield() }
            return loop.inEventLoop
        }
        try await loop.shutdownGracefully()
        opening.yield()
        #expect(await task.value == false)
    }

    @Test("the steps that stand in the loop when it is told to end are all run") func drains() async throws {
        for _ in 0..<50 {
            let loop = try ReactorLoop()
            let task = Task(executorPreference: loop) {
                for _ in 0..<100 { await Task.yield() }
            }
            try await loop.shutdownGracefully()
            await task.value
        }
    }
}
