public import MessageBus

/// Where a reader wants to begin.
public enum Since: Sendable, Equatable {
    /// Live alerts only.
    case none
    /// The newest alerts that interest it, as many as this, then live ones.
    case latest(Int)
    /// Everything held.
    case all
    /// Everything after a cursor.
    case after(Position)
    /// Everything raised at this time or later.
    case time(WallTime)

    /// So many alerts may be asked for by their number.
    private static let maximumLatest = 1000

    /// Reads ntfy's `since` values: `all`, `none`, `latest`, an id, a duration (`90s`, `10m`, `2h`, `1d`) or Unix seconds; and `latest:20`.
    ///
    /// - Returns: `nil` where `text` is none of these. Twelve digits are an id.
    public init?(_ text: String, now: WallTime) {
        switch text {
        case "all": self = .all
        case "none", "": self = .none
        case "latest": self = .latest(1)
        case _ where text.hasPrefix("latest:"):
            guard let count = Int(text.dropFirst("latest:".count)), (1...Self.maximumLatest).contains(count) else {
                return nil
            }
            self = .latest(count)
        default:
            if let position = Position(id: text) {
                self = .after(position)
            } else if let length = Duration(shortForm: text) {
                self = .time(now.advanced(byMilliseconds: -length.components.seconds * 1000))
            } else if let seconds = Int64(text), seconds >= 0 {
                self = .time(WallTime(seconds: seconds))
            } else {
                return nil
            }
        }
    }
}

extension Duration {
    /// Reads `90s`, `10m`, `2h` or `1d`, at most 10 years.
    public init?(shortForm text: String) {
        let units: [Character: Int64] = ["s": 1, "m": 60, "h": 3600, "d": 86_400]
        guard let last = text.last, let unit = units[last], text.utf8.count <= 12,
            let count = Int64(text.dropLast()), text.first?.isNumber == true,
            count <= 315_360_000 / unit
        else { return nil }
        self = .seconds(count * unit)
    }
}
