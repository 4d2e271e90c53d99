/// How long an answer may be kept, as its `Cache-Control` says (RFC 9111 section 5.2.2).
enum MaxAge {
    /// - Returns: seconds; zero where the answer is not to be kept, `nil` where nothing is said or understood.
    static func read(_ fields: [String]) -> Int64? {
        var seconds: Int64?
        for directive in fields.joined(separator: ",").lowercased().split(separator: ",") {
            let parts = directive.split(separator: "=", maxSplits: 1).map { $0.filter { $0 != " " && $0 != "\t" } }
            switch parts.first {
            case "no-store", "no-cache": return 0
            case "max-age" where parts.count == 2:
                let digits = parts[1].filter { $0 != "\"" }
                guard !digits.isEmpty, digits.allSatisfy({ ("0"..."9").contains($0) }) else { continue }
                // What does not fit is very long.
                seconds = min(seconds ?? .max, Int64(digits) ?? .max)
            default: continue
            }
        }
        return seconds
    }
}
