import NIOCore
import Testing

@testable import Crier

struct BenchBookTests {
    private static let run = LoadRunName(Array("abcd".utf8))
    private let run = BenchBookTests.run

    private func frame(_ number: UInt32, run: LoadRunName = run) -> [UInt8] {
        frame(#"{"id":"x","message":""# + String(decoding: AlertMarker(run: run, number: number).bytes, as: UTF8.self))
    }

    private func frame(_ text: String) -> [UInt8] { [0x81, UInt8(text.utf8.count)] + Array(text.utf8) }

    /// Feeds the bytes as a reader does.
    ///
    /// - Returns: the payloads that were no alerts.
    private func feed(
        _ bytes: [UInt8], to book: inout AlertBook, _ checks: inout LaneChecks, at time: NIODeadline = .now()
    ) -> [String] {
        var others: [String] = []
        bytes.withUnsafeBytes { bytes in
            var place = 0
            while let piece = book.takeAlerts(of: bytes, from: &place, for: &checks, at: time) {
                others.append(String(decoding: piece.payload(of: bytes), as: UTF8.self))
            }
        }
        return others
    }

    private func book(readers: Int, lanes: Int = 1, _ ledger: Ledger, form: LoadPlan.Form = .ws) -> AlertBook {
        var book = AlertBook(form, run, AlertLanes(count: lanes), ledger)
        for _ in 0..<readers { book.join() }
        return book
    }

    @Test func anAlertIsFinishedWhenEveryReaderHasIt() {
        let ledger = Ledger(loops: 1)
        var book = book(readers: 2, ledger)
        var (one, other) = (LaneChecks(), LaneChecks())
        for _ in 0..<3 { _ = ledger.publish(due: .now()) }
        #expect(feed(frame(1) + frame(2), to: &book, &one).isEmpty)
        #expect(book.hasMoved && book.finished == 0 && book.sighted == 2)
        #expect(feed(frame(1), to: &book, &other).isEmpty)
        #expect(book.finished == 1 && book.missing() == 3)
        #expect(feed(frame(2) + frame(3), to: &book, &other).isEmpty)
        #expect(book.finished == 2 && book.sighted == 3 && book.missing() == 1)
        #expect(book.counts.deliveries == 5 && book.counts.reads == 3 && book.counts.opened == 2)
        #expect(book.counts.lost == 0 && book.counts.duplicated == 0 && book.counts.reordered == 0)
    }

    @Test func theTimeIsFromWhenItWasDue() {
        let ledger = Ledger(loops: 1)
        var book = book(readers: 1, ledger)
        var checks = LaneChecks()
        let due = NIODeadline.now()
        _ = ledger.publish(due: due)
        _ = feed(frame(1), to: &book, &checks, at: due + .milliseconds(7))
        #expect(book.latencies.percentile(100) == 7)
        book.forgetLatencies()
        #expect(book.latencies.percentile(100) == 0)
    }

    @Test func whatIsNoAlertOfTheRunComesBack() {
        let ledger = Ledger(loops: 1)
        var book = book(readers: 1, ledger)
        var checks = LaneChecks()
        _ = ledger.publish(due: .now())
        let stranger = frame(1, run: LoadRunName(Array("zzzz".utf8)))
        // The second has not been published: nobody sends what is not there, unless it is wrong.
        let others = feed(frame("hello") + frame(1) + stranger + frame(2) + frame(0), to: &book, &checks)
        #expect(others.count == 4 && others.first == "hello")
        #expect(book.counts.deliveries == 1 && book.counts.lost == 0)
    }

    @Test func eventsOfAStreamAreCountedToo() {
        let ledger = Ledger(loops: 1)
        var book = book(readers: 1, ledger, form: .sse)
        var checks = LaneChecks()
        for _ in 0..<2 { _ = ledger.publish(due: .now()) }
        let events = (1...2).map { (number: UInt32) in
            let marker = String(decoding: AlertMarker(run: run, number: number).bytes, as: UTF8.self)
            return "id: \(number)\ndata: {\"message\":\"\(marker)\"}\n\n"
        }
        let others = feed(Array(("event: keepalive\ndata: {}\n\n" + events.joined()).utf8), to: &book, &checks)
        #expect(others == ["event: keepalive\ndata: {}\n"])
        #expect(book.counts.deliveries == 2 && book.finished == 2)
    }

    @Test func nobodyWaitsForAReaderThatHasGone() {
        let ledger = Ledger(loops: 1)
        var book = book(readers: 2, ledger)
        var (one, other) = (LaneChecks(), LaneChecks())
        for _ in 0..<3 { _ = ledger.publish(due: .now()) }
        _ = feed(frame(1) + frame(2) + frame(3), to: &book, &one)
        _ = feed(frame(1), to: &book, &other)
        #expect(book.finished == 1)
        book.leave(other, "gone")
        #expect(book.finished == 3 && book.missing() == 0)
        #expect(book.counts.closed == 1 && book.counts.complaints == ["gone"])
        _ = ledger.publish(due: .now())
        book.leave(one, "gone too")
        #expect(book.missing() == 0)
    }

    @Test(arguments: [1, 3]) func whatGoesWrongIsCountedWhoeverItHits(lanes: Int) {
        for _ in 0..<20 {
            let ledger = Ledger(loops: 1)
            var book = book(readers: 4, lanes: lanes, ledger)
            let total: UInt32 = 300
            for _ in 0..<total { _ = ledger.publish(due: .now()) }
            var (lost, duplicated, missing, deliveries) = (0, 0, 0, 0)
            for reader in 0..<4 {
                var checks = LaneChecks()
                var dropped = [Int](repeating: 0, count: lanes)
                let isLeaving = reader == 3
                let last = isLeaving ? UInt32.random(in: 1...total) : total
                for number in 1...last {
                    let lane = Int(number - 1) % lanes
                    switch Int.random(in: 0..<20) {
                    case 0: dropped[lane] += 1
                    case 1:
                        _ = feed(frame(number) + frame(number), to: &book, &checks)
                        (duplicated, deliveries) = (duplicated + 1, deliveries + 2)
                        (lost, dropped[lane]) = (lost + dropped[lane], 0)
                    default:
                        _ = feed(frame(number), to: &book, &checks)
                        deliveries += 1
                        (lost, dropped[lane]) = (lost + dropped[lane], 0)
                    }
                }
                if isLeaving { book.leave(checks, "") } else { missing += dropped.reduce(0, +) }
            }
            #expect(book.counts.lost == lost && book.counts.duplicated == duplicated)
            #expect(book.counts.deliveries == deliveries && book.counts.reordered == 0)
            #expect(book.missing() == missing)
        }
    }
}
