/// What one run came to: a row of the table.
public struct RunOutcome: Sendable {
    public let bus: BusKind
    public let title: String
    var alerts = 0
    var retries = 0
    var findings = DeliveryAudit.Findings()
    /// What else was not as promised.
    var failures: [String] = []
    var seconds = 0
    /// What a control has to be found to do; `nil` for a run that has to be right.
    var expected: ControlFinding?

    /// Whether it is as it has to be.
    public var isGood: Bool {
        if let expected { return expected.isIn(findings) }
        return findings.violations.isEmpty && failures.isEmpty
    }

    /// For people: what is wrong, the first of each.
    public var complaints: [String] {
        failures.prefix(10) + findings.violations.prefix(10).map(\.description)
    }
}

/// What a control is wrong in.
enum ControlFinding: Sendable {
    /// Acknowledged alerts do not arrive.
    case loss
    /// Alerts are raised twice.
    case doubling
    /// Any promise is broken.
    case breach
    /// Any promise is broken, or a reset says that something is missing in a log that lost nothing.
    case breachOrReset

    func isIn(_ findings: DeliveryAudit.Findings) -> Bool {
        if self == .breachOrReset, findings.resets > 0 { return true }
        return findings.violations.contains { violation in
            switch (self, violation) {
            case (_, .unacknowledged): false
            case (.breach, _), (.breachOrReset, _), (.loss, .lost), (.doubling, .doubled), (.doubling, .repeated): true
            case (.loss, _), (.doubling, _): false
            }
        }
    }
}
