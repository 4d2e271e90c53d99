/// Durations as Google's APIs have them in JSON: seconds with up to nine digits after the point, and an `s`.
enum GoogleDuration {
    /// Whole seconds; a part of one is rounded up.
    static func format(_ duration: Duration) -> String {
        let (seconds, attoseconds) = duration.components
        return "\(attoseconds > 0 ? seconds.addingReportingOverflow(1).partialValue : seconds)s"
    }

    /// - Returns: `nil` where the text is no such duration, or is beyond the 10,000 years that there may be.
    static func parse(_ text: String) -> Duration? {
        guard text.utf8.last == UInt8(ascii: "s"), text.utf8.count <= 32 else { return nil }
        let isNegative = text.utf8.first == UInt8(ascii: "-")
        let parts = text.dropLast().dropFirst(isNegative ? 1 : 0)
            .split(separator: ".", maxSplits: 1, omittingEmptySubsequences: false)
        guard let whole = parts.first.flatMap(number), whole <= 315_576_000_000 else { return nil }
        var nanoseconds: Int64 = 0
        if parts.count == 2 {
            guard (1...9).contains(parts[1].utf8.count), let digits = number(parts[1]) else { return nil }
            nanoseconds = (parts[1].utf8.count..<9).reduce(digits) { value, _ in value * 10 }
        }
        let duration = Duration.seconds(whole) + .nanoseconds(nanoseconds)
        return isNegative ? .zero - duration : duration
    }

    /// Digits alone.
    private static func number(_ text: Substring) -> Int64? {
        text.utf8.allSatisfy { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) } ? Int64(text) : nil
    }
}
