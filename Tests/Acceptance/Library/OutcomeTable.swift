import Foundation

/// The table that a run ends with, as Markdown.
public enum OutcomeTable {
    /// One table for each bus.
    ///
    /// - Parameter page: what a page has; its sections stay for the buses that nothing was run on.
    public static func render(_ outcomes: [RunOutcome], over page: Substring = "") -> String {
        let kept = sections(of: page)
        return BusKind.allCases.compactMap { bus in
            let rows = outcomes.filter { $0.bus == bus }
            let heading = "\(headingMark)\(bus.title)"
            guard !rows.isEmpty else { return kept[heading] }
            let note = bus.note.map { "\($0)\n\n" } ?? ""
            return "\(heading)\n\n\(note)" + ([header, rule] + rows.map(row)).joined(separator: "\n") + "\n"
        }.joined(separator: "\n")
    }

    /// What stands below each heading, by the heading.
    private static func sections(of page: Substring) -> [String: String] {
        var sections: [String: String] = [:]
        var heading: String?
        for line in page.split(separator: "\n", omittingEmptySubsequences: false) {
            if line.hasPrefix(headingMark) { heading = String(line) }
            if let heading { sections[heading, default: ""] += line + "\n" }
        }
        return sections.mapValues { $0.trimmingCharacters(in: .newlines) + "\n" }
    }

    /// Replaces what stands between the page's markers of the buses that were run on.
    ///
    /// - Throws: where the page or its markers are missing.
    public static func write(_ outcomes: [RunOutcome], into path: String) throws {
        let page = try String(contentsOfFile: path, encoding: .utf8)
        guard let begin = page.range(of: beginning), let end = page.range(of: ending),
            begin.upperBound <= end.lowerBound
        else { throw MarkersMissing(path: path) }
        let text =
            page[..<begin.upperBound] + "\n\n" + render(outcomes, over: page[begin.upperBound..<end.lowerBound]) + "\n"
            + page[end.lowerBound...]
        try text.write(toFile: path, atomically: true, encoding: .utf8)
    }

    /// The page has no place for the table.
    public struct MarkersMissing: Error {
        public let path: String
    }

    private static let beginning = "<!-- acceptance:begin (written by `make acceptance`) -->"
    private static let ending = "<!-- acceptance:end -->"

    private static let headingMark = "### "
    private static let header =
        "| fault | alerts | deliveries | reconnects | resets | late-healed | lost | duplicated | reordered | verdict | seconds |"
    private static let rule = "| --- | --: | --: | --: | --: | --: | --: | --: | --: | --- | --: |"

    private static func row(_ outcome: RunOutcome) -> String {
        let findings = outcome.findings
        let numbers = [
            outcome.alerts, findings.deliveries, findings.reconnects, findings.resets, findings.healedLate,
            findings.lost, findings.duplicated, findings.disordered,
        ].map(grouped)
        let verdict =
            outcome.expected == nil
            ? (outcome.isGood ? "good" : "**bad**") : (outcome.isGood ? "found" : "**not found**")
        return "| \(outcome.title) | \(numbers.joined(separator: " | ")) | \(verdict) | \(outcome.seconds) |"
    }

    private static func grouped(_ number: Int) -> String {
        let digits = Array(String(number))
        return digits.enumerated().map { index, digit in
            index > 0 && (digits.count - index) % 3 == 0 ? ",\(digit)" : String(digit)
        }.joined()
    }
}
