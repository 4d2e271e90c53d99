import MessageBus
import StrictJSON

extension BusConformance {
    static let delivery: [BusConformance] = [
        BusConformance("a subscription begins at the log's end, or before its tail") { subject in
            let receipts = try await subject.bus.publish((0..<10).map { draft("\($0)") })
            let live = try await subject.bus.subscribe(vm("live"), tail: 0)
            let warm = try await subject.bus.subscribe(vm("warm"), tail: 4)
            try require(live.start == receipts[9].position, "live begins after \(live.start)")
            try require(warm.start == receipts[5].position, "a tail of 4 begins after \(warm.start)")
            try require(warm.head == receipts[9].position, "the end is \(warm.head)")
            let bodies = try await subject.take(4, from: warm).map(\.draft.content.message)
            try require(bodies == ["6", "7", "8", "9"], "the tail is \(bodies)")
        },
        BusConformance("an alert comes back as it was raised") { subject in
            let subscription = try await subject.bus.subscribe(vm("whole"), tail: 0)
            let content = AlertContent(
                message: "Ünïcödé \u{1F47D} \"quoted\" \\ and a line\nbreak", title: "Title", priority: .max,
                tags: ["a", "b"],
                click: "https://example.com/", expires: 4_000_000_000, data: .object(.init([("n", .number(1))])))
            let sent = Draft(
                topic: Topic("whole")!, content: content, time: WallTime(milliseconds: 1_800_000_000_123),
                sender: "guest-1", region: "syd", key: "k")
            _ = try await subject.bus.publish([sent])
            let got = try await subject.take(1, from: subscription)[0].draft
            try require(got.content == content, "the content is \(got.content)")
            try require(got.topic == sent.topic && got.time == sent.time, "topic or time differ")
            try require(got.sender == "guest-1" && got.region == "syd", "sender or region differ")
            try require(got.encoded == sent.encoded, "the JSON differs")
        },
        BusConformance("at most as many alerts come at once as were asked for") { subject in
            let subscription = try await subject.bus.subscribe(vm("limit"), tail: 0)
            _ = try await subject.bus.publish((0..<20).map { draft("\($0)") })
            guard case .alerts(let alerts)? = try await subject.next(subscription, limit: 7) else {
                throw ConformanceFailure("no alerts")
            }
            try require((1...7).contains(alerts.count), "\(alerts.count) alerts for a limit of 7")
        },
        BusConformance("a slow subscription loses nothing that is retained") { subject in
            let subscription = try await subject.bus.subscribe(vm("slow"), tail: 0)
            let count = subject.retainedAlerts / 2
            for start in stride(from: 0, to: count, by: 100) {
                _ = try await subject.bus.publish((start..<min(start + 100, count)).map { draft("\($0)") })
            }
            let bodies = try await subject.take(count, from: subscription).map(\.draft.content.message)
            try require(bodies == (0..<count).map(String.init), "the order is not that of publishing")
        },
        BusConformance("a loss by retention is said before what stands after it") { subject in
            let subscription = try await subject.bus.subscribe(vm("late"), tail: 0)
            var positions: [Position] = []
            while positions.count < subject.retainedAlerts * 3 {
                positions += try await subject.bus.publish((0..<100).map { draft("\($0)") }).map(\.position)
                // Time may be part of the retention.
                subject.advance?(3_600_000)
            }
            guard case .lost(let loss)? = try await subject.next(subscription, limit: 10) else {
                throw ConformanceFailure("no loss was said")
            }
            try require(loss.cause == .retention, "the cause is \(loss.cause)")
            guard case .alerts(let alerts)? = try await subject.next(subscription, limit: 10), let first = alerts.first
            else {
                throw ConformanceFailure("nothing after the loss")
            }
            try require(
                loss.resumesAfter.isFollowed(by: first.position), "\(first.position) after \(loss.resumesAfter)")
            try require(positions.contains(first.position), "\(first.position) was never published")
        },
        BusConformance("a cancelled wait moves nothing") { subject in
            let subscription = try await subject.bus.subscribe(vm("cancelled"), tail: 0)
            let waiting = Task { try await subscription.next(limit: 1) }
            waiting.cancel()
            if case .alerts? = try await waiting.value { throw ConformanceFailure("alerts out of nothing") }
            _ = try await subject.bus.publish([draft("after")])
            let bodies = try await subject.take(1, from: subscription).map(\.draft.content.message)
            try require(bodies == ["after"], "\(bodies)")
        },
    ]
}
