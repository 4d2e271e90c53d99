import CoreMetrics
import CrierTesting
import MessageBus
import NIOConcurrencyHelpers
import NIOCore
import NIOEmbedded
import Testing

@testable import Broadcasting

/// Writes down what it is told. Bound to its event loop.
private final class Recorder: PublishReceiver {
    enum Event: Equatable {
        case accepted(String, offset: UInt64)
        case refused(String, BusError.Code)
        case batch(String)
    }

    /// What the recorders of one lane were told, in order.
    final class Log {
        var events: [Event] = []
        var outcomes: Int { events.count { if case .batch = $0 { false } else { true } } }
    }

    let name: String
    let log: Log

    init(_ name: String, _ log: Log) {
        self.name = name
        self.log = log
    }

    func published(_ draft: Draft, tag: String?, _ outcome: PublishQueue.Outcome) {
        let label = "\(name) \(draft.content.message) \(tag ?? "-")"
        switch outcome {
        case .success(let receipt): log.events.append(.accepted(label, offset: receipt.position.offset))
        case .failure(let error): log.events.append(.refused(label, error.code))
        }
    }

    func publishedBatch() { log.events.append(.batch(name)) }
}

/// A lane with two receivers, on a loop whose turns the test makes.
private struct Desk {
    let loop: NIOAsyncTestingEventLoop
    private let parts: NIOLoopBound<(lane: PublishLane, log: Recorder.Log, receivers: [Recorder])>

    init(_ queue: PublishQueue) async throws {
        let loop = NIOAsyncTestingEventLoop()
        let lanes = PublishLanes(queue: queue)
        self.loop = loop
        self.parts = try await loop.executeInContext {
            let log = Recorder.Log()
            return NIOLoopBound(
                (lanes.lane(on: loop), log, [Recorder("a", log), Recorder("b", log)]), eventLoop: loop)
        }
    }

    /// One turn in which the receivers take turns to publish `texts`.
    ///
    /// - Returns: how much they were told before its end.
    func turn(_ texts: some Sequence<Int> & Sendable) async throws -> Int {
        let parts = parts
        let told = try await loop.executeInContext {
            let before = parts.value.log.events.count
            for text in texts {
                let draft = Draft(
                    topic: Topic("a")!, content: AlertContent(message: "\(text)"),
                    time: WallTime(seconds: 1_800_000_000), sender: nil, region: "here")
                parts.value.lane.publish(draft, tag: "r\(text)", for: parts.value.receivers[text % 2])
            }
            return parts.value.log.events.count - before
        }
        await loop.run()
        return told
    }

    var events: [Recorder.Event] {
        get async throws {
            let parts = parts
            return try await loop.executeInContext { parts.value.log.events }
        }
    }

    /// Waits until so many outcomes are told.
    func outcomes(_ count: Int) async throws -> [Recorder.Event] {
        let parts = parts
        try await eventually("\(count) outcomes") {
            await loop.run()
            return try await loop.executeInContext { parts.value.log.outcomes } >= count
        }
        return try await events
    }

    static func accepted(_ text: Int, offset: UInt64) -> Recorder.Event {
        .accepted("\(text % 2 == 0 ? "a" : "b") \(text) r\(text)", offset: offset)
    }

    static func refused(_ text: Int, _ code: BusError.Code) -> Recorder.Event {
        .refused("\(text % 2 == 0 ? "a" : "b") \(text) r\(text)", code)
    }
}

struct PublishLaneTests {
    @Test("What one turn publishes is one batch, told in order, each once, before the batch's end")
    func oneTurn() async throws {
        try await withQueue { queue, bus in
            bus.goOn()
            let desk = try await Desk(queue)
            #expect(try await desk.turn(0..<10) == 0)
            let events = try await desk.outcomes(10)
            #expect(bus.batchSizes == [10])
            #expect(events.prefix(10) == (0..<10).map { Desk.accepted($0, offset: UInt64($0 + 1)) }[...])
            let ends = events.dropFirst(10)
            #expect(ends.contains(.batch("a")) && ends.contains(.batch("b")))
            #expect(ends.allSatisfy { $0 == .batch("a") || $0 == .batch("b") })
        }
    }

    @Test("What several turns publish while a batch is in flight is told in one step")
    func oneHop() async throws {
        try await withQueue { queue, bus in
            let desk = try await Desk(queue)
            _ = try await desk.turn([0])
            try await eventually("a batch in flight") { bus.batchSizes == [1] }
            for turn in [1..<4, 4..<8, 8..<9] { _ = try await desk.turn(turn) }
            #expect(queue.waiting == 8)
            bus.goOn()
            let events = try await desk.outcomes(9)
            #expect(bus.batchSizes == [1, 8])
            #expect(events.prefix(2) == [Desk.accepted(0, offset: 1), .batch("a")])
            #expect(events[2..<10] == (1..<9).map { Desk.accepted($0, offset: UInt64($0 + 1)) }[...])
        }
    }

    @Test("A turn that publishes more than a batch makes several, in order")
    func manyBatches() async throws {
        try await withQueue(batch: 4) { queue, bus in
            bus.goOn()
            let desk = try await Desk(queue)
            _ = try await desk.turn(0..<10)
            let accepted = try await desk.outcomes(10).filter { if case .accepted = $0 { true } else { false } }
            #expect(accepted == (0..<10).map { Desk.accepted($0, offset: UInt64($0 + 1)) })
            #expect(bus.batchSizes == [4, 4, 2])
        }
    }

    @Test(
        "A full queue takes the first that it has room for and refuses the newest, after the call that published them")
    func full() async throws {
        try await withQueue(capacity: 3, batch: 2) { queue, bus in
            let desk = try await Desk(queue)
            _ = try await desk.turn([0])
            try await eventually("a batch in flight") { bus.batchSizes == [1] }
            #expect(try await desk.turn(1..<8) == 0)
            let refused = try await desk.events
            #expect(refused.prefix(4) == (4..<8).map { Desk.refused($0, .queueFull) }[...])
            #expect(refused.dropFirst(4).contains(.batch("a")) && refused.dropFirst(4).contains(.batch("b")))
            bus.goOn()
            let events = try await desk.outcomes(8)
            let accepted = events.filter { if case .accepted = $0 { true } else { false } }
            #expect(accepted == (0..<4).map { Desk.accepted($0, offset: UInt64($0 + 1)) })
            #expect(events.count { if case .refused = $0 { true } else { false } } == 4)
        }
    }

    @Test("A closed queue refuses all, and tells what it had taken")
    func closed() async throws {
        try await withQueue { queue, bus in
            let desk = try await Desk(queue)
            _ = try await desk.turn([0])
            try await eventually("a batch in flight") { bus.batchSizes == [1] }
            queue.close()
            _ = try await desk.turn([1, 2])
            #expect(try await desk.events.prefix(2) == [Desk.refused(1, .closed), Desk.refused(2, .closed)])
            bus.goOn()
            #expect(try await desk.outcomes(3).contains(Desk.accepted(0, offset: 1)))
            await queue.finished()
        }
    }

    @Test("What the bus refuses is told to each")
    func busFails() async throws {
        try await withQueue(on: RefusingBus()) { queue in
            let desk = try await Desk(queue)
            _ = try await desk.turn(0..<3)
            let events = try await desk.outcomes(3)
            #expect(events.prefix(3) == (0..<3).map { Desk.refused($0, .unavailable) }[...])
        }
    }

    @Test(
        "Lanes of several loops get their own outcomes, whatever the batches", arguments: 1...8 as ClosedRange<UInt64>)
    func manyLanes(seed: UInt64) async throws {
        try await withQueue(capacity: 12, batch: 5) { queue, bus in
            bus.goOn()
            var generator = SeededGenerator(seed: seed)
            let desks = [try await Desk(queue), try await Desk(queue), try await Desk(queue)]
            var next = 0
            var published = [[Int](), [], []]
            for _ in 0..<40 {
                let lane = Int.random(in: 0..<3, using: &generator)
                let texts = next..<next + Int.random(in: 1...9, using: &generator)
                next = texts.upperBound
                published[lane] += texts
                _ = try await desks[lane].turn(texts)
            }
            var offsets: [UInt64] = []
            for (desk, texts) in zip(desks, published) {
                var accepted: [UInt64] = []
                var told: Set<String> = []
                for event in try await desk.outcomes(texts.count) {
                    switch event {
                    case .accepted(let label, let offset):
                        accepted.append(offset)
                        #expect(told.insert(label).inserted)
                    case .refused(let label, let code):
                        #expect(code == .queueFull)
                        #expect(told.insert(label).inserted)
                    case .batch: break
                    }
                }
                #expect(told.count == texts.count)
                #expect(accepted == accepted.sorted())
                offsets += accepted
            }
            #expect(offsets.sorted() == offsets.indices.map { UInt64($0 + 1) })
        }
    }
}

/// A bus that cannot be reached.
private struct RefusingBus: MessageBus {
    func publish(_ drafts: [Draft]) async throws(BusError) -> [Receipt] { throw BusError(.unavailable, "away") }

    func subscribe(_ vm: VMIdentity, tail: Int) async throws(BusError) -> any Subscription {
        throw BusError(.unavailable, "away")
    }

    func vms() async throws(BusError) -> [VMRecord] { [] }
}
