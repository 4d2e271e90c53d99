import MessageBus
import Testing

@testable import Acceptance

struct DeliveryAuditTests {
    private typealias Violation = DeliveryAudit.Violation

    private func at(_ offset: UInt64, epoch: UInt64 = 1) -> Position { Position(epoch: epoch, offset: offset) }

    private func alert(_ number: Int?, _ position: Position, healedFrom: Position? = nil, isKnown: Bool = false)
        -> ReaderLog.Entry
    {
        .alert(position, number: number, healedFrom: healedFrom, isKnown: isKnown)
    }

    private func audit(
        alerts: Int, attempted: Int? = nil, receipts: [Int: Set<Position>], held: [DeliveryAudit.HeldAlert] = [],
        _ logs: [ReaderLog.Entry]...
    ) -> DeliveryAudit.Findings {
        DeliveryAudit.check(
            alerts: alerts, attempted: attempted ?? alerts, receipts: receipts, held: held,
            logs: logs.enumerated().map { index, entries in
                var log = ReaderLog()
                for entry in entries { log.add(entry) }
                return (reader: "reader \(index)", log: log)
            })
    }

    @Test("readers that saw everything once and in order give no violation")
    func everythingSeen() {
        let log = [.began(after: at(4)), alert(0, at(5)), alert(1, at(6))]
        let findings = audit(alerts: 2, receipts: [0: [at(5)], 1: [at(6)]], log, log)
        #expect(findings.violations.isEmpty)
        #expect(findings.deliveries == 4)
    }

    @Test("an acknowledged alert that a reader did not see is lost")
    func lost() {
        let findings = audit(
            alerts: 2, receipts: [0: [at(1)], 1: [at(2)]],
            [.began(after: at(0)), alert(0, at(1)), alert(1, at(2))], [.began(after: at(0)), alert(0, at(1))])
        #expect(findings.violations == [.lost(reader: "reader 1", number: 1, position: at(2))])
        #expect(findings.lost == 1)
    }

    @Test("a reader that never got a place in the log lost everything")
    func neverBegan() {
        #expect(audit(alerts: 1, receipts: [0: [at(1)]], []).lost == 1)
    }

    @Test("an alert that a reset covers is excused, one that it does not cover is lost")
    func excused() {
        let reset = ReaderLog.Entry.reset(.init(reason: .retention, resumesAfter: at(3)))
        let findings = audit(
            alerts: 5, receipts: [0: [at(1)], 1: [at(2)], 2: [at(3)], 3: [at(4)], 4: [at(5)]],
            [.began(after: at(0)), alert(0, at(1)), reset, alert(3, at(4))])
        #expect(findings.excused == 2)
        #expect(findings.resets == 1)
        #expect(findings.violations == [.lost(reader: "reader 0", number: 4, position: at(5))])
    }

    @Test("an alert that was tried and not acknowledged is a violation, unless it is a probe")
    func unacknowledged() {
        let findings = audit(
            alerts: 2, attempted: 3, receipts: [0: [at(1)]], [.began(after: at(0)), alert(0, at(1)), alert(2, at(2))])
        #expect(findings.violations == [.unacknowledged(number: 1)])
    }

    @Test("an alert that nobody tried is a phantom")
    func phantom() {
        let findings = audit(
            alerts: 1, receipts: [0: [at(1)]],
            [.began(after: at(0)), alert(0, at(1)), alert(7, at(2)), alert(nil, at(3))])
        #expect(findings.violations == [at(2), at(3)].map { .phantom(reader: "reader 0", position: $0) })
    }

    @Test("ids that do not increase are reordered")
    func reordered() {
        let findings = audit(
            alerts: 2, receipts: [0: [at(1)], 1: [at(2)]],
            [.began(after: at(0)), alert(0, at(1)), alert(1, at(2)), alert(1, at(2))])
        #expect(
            findings.violations == [
                .reordered(reader: "reader 0", position: at(2), after: at(2)), .repeated(reader: "reader 0", number: 1),
            ])
    }

    @Test("an offset that is left out without a reset is a skip, the first of a new epoch is none")
    func skipped() {
        let findings = audit(
            alerts: 3, receipts: [0: [at(1)], 1: [at(1, epoch: 2)], 2: [at(3, epoch: 2)]],
            [.began(after: at(0)), alert(0, at(1)), alert(1, at(1, epoch: 2)), alert(2, at(3, epoch: 2))])
        #expect(
            findings.violations == [
                .skipped(reader: "reader 0", position: at(3, epoch: 2), after: at(1, epoch: 2))
            ])
        #expect(findings.disordered == 1)
    }

    @Test("two alerts at one position are found across readers")
    func reused() {
        let findings = audit(
            alerts: 2, receipts: [0: [at(1)], 1: [at(1)]], [.began(after: at(0)), alert(0, at(1))],
            [.began(after: at(0)), alert(1, at(1))])
        #expect(findings.violations.contains(.reused(at(1))))
    }

    @Test("one alert at two positions was raised twice, whether readers or receipts say so")
    func doubled() {
        let seen = audit(
            alerts: 1, receipts: [0: [at(1)]], [.began(after: at(0)), alert(0, at(1)), alert(0, at(2))])
        #expect(seen.violations == [.repeated(reader: "reader 0", number: 0), .doubled(number: 0)])
        let told = audit(alerts: 1, receipts: [0: [at(1), at(2)]], [.began(after: at(0)), alert(0, at(1))])
        #expect(told.violations == [.doubled(number: 0)])
    }

    @Test("a healed alert is the same alert: late for who had missed it, dropped by who knew it")
    func healed() {
        let healed = at(1, epoch: 2)
        let again = at(1, epoch: 3)
        let findings = audit(
            alerts: 1, receipts: [0: [at(1)]],
            [
                .began(after: at(0)), alert(0, at(1)), alert(0, healed, healedFrom: at(1), isKnown: true),
                alert(0, again, healedFrom: healed, isKnown: true),
            ],
            [
                .began(after: at(0)), alert(0, healed, healedFrom: at(1)),
                alert(0, again, healedFrom: healed, isKnown: true),
            ])
        #expect(findings.violations.isEmpty)
        #expect(findings.deliveries == 2)
        #expect(findings.healedLate == 1)
        #expect(findings.healedKnown == 3)
    }

    @Test("a healed alert that is left out is no skip for who had seen it, and one for who had not")
    func healedLeftOut() {
        let log: [ReaderLog.Entry] = [.began(after: at(0)), alert(0, at(1)), alert(1, at(2, epoch: 2))]
        func findings(_ healed: Int) -> DeliveryAudit.Findings {
            audit(
                alerts: 2, attempted: 3, receipts: [0: [at(1)], 1: [at(2, epoch: 2)]],
                held: [
                    .init(position: at(1, epoch: 2), number: healed, healedFrom: at(1 + UInt64(healed))),
                    .init(position: at(2, epoch: 2), number: 1, healedFrom: nil),
                ], log)
        }
        #expect(findings(0).violations.isEmpty)
        #expect(
            findings(2).violations == [
                .skipped(reader: "reader 0", position: at(2, epoch: 2), after: at(1))
            ])
    }

    @Test("an alert in the log that nobody tried is a phantom")
    func phantomHeld() {
        let findings = audit(
            alerts: 1, receipts: [0: [at(1)]], held: [.init(position: at(2), number: 7, healedFrom: nil)],
            [.began(after: at(0)), alert(0, at(1))])
        #expect(findings.violations == [.phantom(reader: "the log", position: at(2))])
    }

    @Test("a healed alert that a reader saw before and did not drop is a repetition")
    func healedTwice() {
        let findings = audit(
            alerts: 1, receipts: [0: [at(1)]],
            [.began(after: at(0)), alert(0, at(1)), alert(0, at(1, epoch: 2), healedFrom: at(1))])
        #expect(findings.violations == [.repeated(reader: "reader 0", number: 0)])
        #expect(findings.duplicated == 1)
    }
}
