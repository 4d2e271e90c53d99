/// How epochs are numbered: tenths of a second since 2025-01-01T00:00:00Z, which six base-62 digits carry until the year 2205.
public enum Epoch {
    /// The length of one tick, in milliseconds.
    public static let tick: Int64 = 100

    private static let start: Int64 = 1_735_689_600_000

    /// The epoch for a log that begins now and has to come after `previous`, the greatest epoch known.
    public static func beginning(at now: WallTime, after previous: UInt64 = 0) -> UInt64 {
        max(UInt64(max(0, now.milliseconds - start) / tick), previous + 1)
    }

    /// When the tick that `now` falls into ends. A log that forgets its past when its process ends serves nothing before this moment, so that no
    /// two runs can have handed out positions of the same epoch.
    public static func end(ofTickAt now: WallTime) -> WallTime {
        WallTime(milliseconds: (now.milliseconds / tick + 1) * tick)
    }
}
