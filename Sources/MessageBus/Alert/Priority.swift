/// How urgent an alert is, from 1 to 5, with ntfy's names.
public enum Priority: Int, Comparable, Sendable, CaseIterable {
    case min = 1
    case low, normal, high, max

    /// Reads a number from 1 to 5 or one of ntfy's names (`min low default high max urgent`), in any case.
    public init?(_ text: String) {
        if let number = Int(text) {
            // Only as written here: `04` and `+4` are no priorities.
            guard text.utf8.count == 1 else { return nil }
            self.init(rawValue: number)
            return
        }
        switch text.lowercased() {
        case "min": self = .min
        case "low": self = .low
        case "default": self = .normal
        case "high": self = .high
        case "max", "urgent": self = .max
        default: return nil
        }
    }

    public static func < (left: Self, right: Self) -> Bool { left.rawValue < right.rawValue }
}
