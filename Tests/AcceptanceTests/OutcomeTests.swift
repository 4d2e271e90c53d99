import Foundation
import MessageBus
import Testing

@testable import Acceptance

struct OutcomeTests {
    private func outcome(_ violations: [DeliveryAudit.Violation], expected: ControlFinding? = nil) -> RunOutcome {
        var outcome = RunOutcome(bus: .redis, title: "some fault")
        outcome.alerts = 10_000
        outcome.findings.violations = violations
        outcome.findings.deliveries = 2_000_000
        outcome.expected = expected
        return outcome
    }

    private let loss = DeliveryAudit.Violation.lost(reader: "a", number: 1, position: .origin)

    @Test("a run is good without a violation, a control with the one that it was made for")
    func verdicts() {
        #expect(outcome([]).isGood)
        #expect(!outcome([loss]).isGood)
        #expect(!outcome([], expected: .loss).isGood)
        #expect(outcome([loss], expected: .loss).isGood)
        #expect(!outcome([loss], expected: .doubling).isGood)
        #expect(outcome([.doubled(number: 1)], expected: .doubling).isGood)
        #expect(!outcome([.unacknowledged(number: 1)], expected: .breach).isGood)
        var failed = outcome([])
        failed.failures = ["a subscription is left"]
        #expect(!failed.isGood)
    }

    @Test("the table stands between the page's markers and nothing else changes")
    func table() throws {
        let page = FileManager.default.temporaryDirectory.appending(path: "page-\(UUID().uuidString).md")
        defer { try? FileManager.default.removeItem(at: page) }
        try """
        before
        <!-- acceptance:begin (written by `make acceptance`) -->
        old
        <!-- acceptance:end -->
        after
        """.write(to: page, atomically: true, encoding: .utf8)
        try OutcomeTable.write([outcome([])], into: page.path)
        let text = try String(contentsOf: page, encoding: .utf8)
        #expect(text.hasPrefix("before\n") && text.hasSuffix("\nafter"))
        #expect(text.contains("| some fault | 10,000 | 2,000,000 | 0 | 0 | 0 | 0 | 0 | 0 | good | 0 |"))
        #expect(!text.contains("old"))
    }

    @Test("what the page has of a bus that nothing was run on stays")
    func otherBuses() throws {
        let page = FileManager.default.temporaryDirectory.appending(path: "page-\(UUID().uuidString).md")
        defer { try? FileManager.default.removeItem(at: page) }
        try """
        <!-- acceptance:begin (written by `make acceptance`) -->

        ### Redis

        | old |

        ### PostgreSQL

        | of yesterday |

        ### Some other bus

        | gone |

        <!-- acceptance:end -->
        """.write(to: page, atomically: true, encoding: .utf8)
        var google = RunOutcome(bus: .google, title: "a third")
        google.alerts = 5_000
        try OutcomeTable.write([outcome([]), google], into: page.path)
        try OutcomeTable.write([outcome([])], into: page.path)
        let text = try String(contentsOf: page, encoding: .utf8)
        #expect(!text.contains("old") && !text.contains("gone"))
        let places = try ["### Redis", "some fault", "### PostgreSQL", "of yesterday", "### Google", "a third"].map {
            try #require(text.range(of: $0)).lowerBound
        }
        #expect(places == places.sorted())
        #expect(text.contains("\n### PostgreSQL\n\n| of yesterday |\n\n### Google"))
        #expect(text.contains("keeps nothing across a restart"))
    }

    @Test("a page without markers is not written")
    func noMarkers() throws {
        let page = FileManager.default.temporaryDirectory.appending(path: "page-\(UUID().uuidString).md")
        defer { try? FileManager.default.removeItem(at: page) }
        try "a page".write(to: page, atomically: true, encoding: .utf8)
        #expect(throws: OutcomeTable.MarkersMissing.self) { try OutcomeTable.write([], into: page.path) }
    }

    @Test("a bus has the faults that can be done to it, and for the others there is a reason")
    func offers() {
        func offered(_ bus: BusKind) -> [String] {
            Fault.allCases.filter { $0.absence(on: bus) == nil }.map(\.rawValue)
        }
        #expect(offered(.redis) == Fault.allCases.map(\.rawValue))
        #expect(offered(.postgres) == ["1", "2", "3", "4", "6", "7", "8", "9", "10", "11"])
        #expect(offered(.google) == ["1", "2", "3", "6", "8", "11"])
        #expect(offered(.memory) == ["6", "8", "9", "11"])
    }

    @Test("5 means both faults of that number, 1 not those from 10 on")
    func names() {
        #expect(Fault.named("5") == [.lossyBusKill, .failover])
        #expect(Fault.named("5b") == [.failover])
        #expect(Fault.named("1") == [.vmKills])
        #expect(Fault.named("12").isEmpty)
    }
}
