/// When a `PresenceBook` does what.
///
/// A VM that crashed is forgotten by all others after `lease`, `refresh` and the time that one reading takes at the latest: in less than ten seconds.
struct PresenceTiming: Sendable {
    /// How often a record is renewed: with a store that takes its four seconds to fail once, it still is in time.
    var renew: Duration = .seconds(2)
    /// How long a record lasts without being renewed, and what other VMs told without being read again.
    var lease: Duration = .seconds(7)
    /// How often the others' records are read.
    var refresh: Duration = .seconds(2)
    /// How long changes gather before they are written, and the least time between two readings.
    var debounce: Duration = .milliseconds(100)
    /// How long after `people` or `counts` was asked the others' records are still read, where nobody is in a room here.
    var interest: Duration = .seconds(10)
    /// How long the removal of the record at the end may take before the rest is left to its lease.
    var farewell: Duration = .seconds(2)
}
