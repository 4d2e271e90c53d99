/// How urgent an alert is, from 1 to 5, with ntfy's names.
public enum Priority: Int, Comparable, Sendable, CaseIterable {
    case min = 1
    case low, normal, high, max

    /// Reads a number from 1 to 5 or one of ntfy's names (`min low default high max urgent`), in any case.
    public init?(_ text: String) {
        switch text.lowercased() {
        case "1", "min": self = .min
        case "2", "low": self = .low
        case "3", "default": self = .normal
        case "4", "high": self = .high
        case "5", "max", "urgent": self = .max
        default: return nil
        }
    }

    public static func < (left: Self, right: Self) -> Bool { left.rawValue < right.rawValue }
}
