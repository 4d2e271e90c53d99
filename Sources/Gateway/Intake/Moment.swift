import Broadcasting
import MessageBus

/// A moment as publishers write it: a duration from now (`30s`, `10m`, `2h`, `1d`) or Unix seconds.
enum Moment {
    static func read(_ text: String, now: WallTime) -> WallTime? {
        if let duration = Duration(shortForm: text) {
            return now.advanced(byMilliseconds: duration.components.seconds * 1000)
        }
        return Int64(text).map { WallTime(seconds: $0) }
    }
}
