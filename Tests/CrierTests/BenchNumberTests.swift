import NIOCore
import Testing

@testable import Crier

struct BenchNumberTests {
    private let run = LoadRunName(Array("abcd".utf8))

    // MARK: NumberCheck

    @Test func numbersInOrderAreAllNext() {
        var check = NumberCheck()
        for number: UInt32 in 1...1000 { #expect(check.take(number) == .next) }
        #expect(check.next == 1001)
    }

    @Test func missingLateAndRepeatedNumbersAreToldApart() {
        var check = NumberCheck()
        #expect(check.take(1) == .next)
        #expect(check.take(4) == .gap(from: 2, count: 2))
        #expect(check.take(3) == .late)
        #expect(check.take(3) == .repeated)
        #expect(check.take(4) == .repeated)
        #expect(check.take(2) == .late)
        #expect(check.take(2) == .repeated)
        #expect(check.take(5) == .next)
        #expect(check.take(1) == .repeated)
    }

    @Test func aGapOfMoreThanTheHistoryLeavesNothingOfIt() {
        var check = NumberCheck()
        #expect(check.take(100) == .gap(from: 1, count: 99))
        #expect(check.take(37) == .late)
        // 64 back is as far as is known.
        #expect(check.take(36) == .repeated)
        #expect(check.take(UInt32.max / 2) == .gap(from: 101, count: UInt32.max / 2 - 101))
        #expect(check.next == UInt32.max / 2 + 1)
    }

    @Test func aRandomOrderCountsUp() {
        for _ in 0..<50 {
            var check = NumberCheck()
            var (missing, seen) = (0, 0)
            // Near enough to its place that all late ones are still known.
            let numbers = (1...500).sorted { $0 + .random(in: 0...15) < $1 + .random(in: 0...15) }.map { UInt32($0) }
            for number in numbers {
                switch check.take(number) {
                case .next: seen += 1
                case .gap(_, let count): (missing, seen) = (missing + Int(count), seen + 1)
                case .late: (missing, seen) = (missing - 1, seen + 1)
                case .repeated: Issue.record("\(number) came once")
                }
            }
            #expect(missing == 0 && seen == 500)
        }
    }

    // MARK: AlertMarker, MarkerFinder, AlertLanes

    @Test func aMarkerSaysItsNumberInItsRunOnly() {
        let marker = AlertMarker(run: run, number: 4_294_967_295)
        #expect(String(decoding: marker.bytes, as: UTF8.self) == "@abcd4294967295:")
        #expect(marker.number(in: run) == .max)
        #expect(marker.number(in: LoadRunName(Array("abce".utf8))) == nil)
        for text in ["@abcd4294967296:", "@abcd99999999999", "@abcd00000 0001:", "@abcd000000001x:"] {
            #expect(Array(text.utf8).withUnsafeBytes { AlertMarker($0, at: 0).number(in: run) } == nil, "\(text)")
        }
        #expect(AlertMarker.none.number(in: run) == nil)
    }

    @Test func aMarkerIsFoundWhereverItIs() {
        var finder = MarkerFinder(run)
        func place(_ text: String) -> Int? { Array(text.utf8).withUnsafeBytes { finder.place(in: $0) } }
        #expect(place("") == nil)
        #expect(place("@abcd0000000001") == nil)
        #expect(place("@abcd0000000001:") == 0)
        #expect(place(#"{"a":"@abc","b":"@abcd0000000002:xx"}"#) == 17)
        // The guess is wrong now.
        #expect(place(#"{"a":"@abcd0000000002:xx","b":"@abcd0000000003:"}"#) == 6)
        #expect(place("xx@abcx0000000002:@abcd000000000") == nil)
        #expect(place(String(repeating: "@", count: 40) + "abcd0000000004:") == 39)
    }

    @Test(arguments: [1, 2, 7]) func lanesShareTheNumbersOut(count: Int) {
        let lanes = AlertLanes(count: count)
        var last = [UInt32](repeating: 0, count: count)
        for number: UInt32 in 1...100 {
            let (lane, index) = lanes.place(of: number)
            #expect(index == last[lane] + 1)
            last[lane] = index
            #expect(lanes.number(ofLane: lane, index: index) == number)
        }
    }

    // MARK: PublishPace

    private func standing(_ published: UInt32, finished: UInt32, sighted: UInt32) -> Ledger.Standing {
        Ledger.Standing(published: published, finished: finished, sighted: sighted)
    }

    @Test func theClosedLoopPublishesHalfAndTheRestWhenTheFirstIsSeen() {
        let now = NIODeadline.now()
        var pace = PublishPace.closed(inFlight: 8, firstOfLast: 0)
        #expect(pace.due(standing(0, finished: 0, sighted: 0), now: now) == [now, now, now, now])
        #expect(pace.due(standing(4, finished: 0, sighted: 0), now: now).isEmpty)
        #expect(pace.due(standing(4, finished: 0, sighted: 1), now: now).count == 4)
        #expect(pace.due(standing(8, finished: 0, sighted: 5), now: now).isEmpty, "eight are on their way")
        #expect(pace.due(standing(8, finished: 3, sighted: 8), now: now).count == 3)
        #expect(pace.next == nil)
    }

    @Test func oneInFlightGoesWhenTheLastHasArrived() {
        var pace = PublishPace.closed(inFlight: 1, firstOfLast: 0)
        #expect(pace.due(standing(0, finished: 0, sighted: 0), now: .now()).count == 1)
        #expect(pace.due(standing(1, finished: 0, sighted: 1), now: .now()).isEmpty)
        #expect(pace.due(standing(1, finished: 1, sighted: 1), now: .now()).count == 1)
    }

    @Test func theOpenLoopKeepsItsRateWhateverIsOnItsWay() {
        let start = NIODeadline.uptimeNanoseconds(1_000_000_000)
        let nothing = standing(0, finished: 0, sighted: 0)
        var pace = PublishPace.open(rate: 3, start: start, already: 0)
        #expect(pace.due(nothing, now: start) == [start])
        #expect(pace.due(nothing, now: start + .milliseconds(333)).isEmpty)
        #expect(pace.next == start + .nanoseconds(333_333_333))
        #expect(
            pace.due(nothing, now: start + .milliseconds(1100))
                == [start + .nanoseconds(333_333_333), start + .nanoseconds(666_666_666), start + .seconds(1)])
        #expect(pace.next == start + .nanoseconds(1_333_333_333))
        // After a long halt it goes on in bounded steps.
        #expect(pace.due(nothing, now: start + .hours(1)).count == 1024)
    }

    // MARK: Ledger

    @Test func theLedgerGivesWhatIsNewAndTheLeastOfTheLoops() {
        let ledger = Ledger(loops: 2)
        let times = (1...5).map { NIODeadline.uptimeNanoseconds($0) }
        #expect(times.map { ledger.publish(due: $0) } == [1, 2, 3, 4, 5])
        var got: [UInt32: NIODeadline] = [:]
        ledger.forEach(after: 3) { got[$0] = $1 }
        #expect(got == [4: times[3], 5: times[4]])
        ledger.reached(finished: 4, sighted: 5, loop: 0)
        #expect(ledger.standing.finished == 0 && ledger.standing.sighted == 5)
        ledger.reached(finished: 2, sighted: 3, loop: 1)
        #expect(ledger.standing.finished == 2 && ledger.standing.sighted == 5)
        #expect(ledger.standing.published == 5)
    }

    @Test func theLedgerForgetsWhatNobodyCanAskForAnyMore() {
        let ledger = Ledger(loops: 1)
        for _ in 0..<Ledger.capacity + 10 { _ = ledger.publish(due: .now()) }
        var first: UInt32?
        var count = 0
        ledger.forEach(after: 0) { number, _ in
            first = first ?? number
            count += 1
        }
        #expect(first == 11 && count == Ledger.capacity)
    }
}
