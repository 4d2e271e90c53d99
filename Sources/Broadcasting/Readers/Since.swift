public import MessageBus

/// Where a reader wants to begin.
public enum Since: Sendable, Equatable {
    /// Live alerts only.
    case none
    /// The newest alert that interests it, then live ones.
    case latest
    /// Everything held.
    case all
    /// Everything after a cursor.
    case after(Position)
    /// Everything raised at this time or later.
    case time(WallTime)

    /// Reads ntfy's `since` values: `all`, `none`, `latest`, an id, a duration (`90s`, `10m`, `2h`, `1d`) or Unix seconds.
    ///
    /// - Returns: `nil` where `text` is none of these. Twelve digits are an id.
    public init?(_ text: String, now: WallTime) {
        switch text {
        case "all": self = .all
        case "none", "": self = .none
        case "latest": self = .latest
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
