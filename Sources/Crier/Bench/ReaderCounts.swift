import Histogram

/// What the readers of a load run have seen: those of one loop, or the sum.
struct ReaderCounts: Sendable {
    /// Readers whose stream has been opened.
    var opened = 0
    /// Alerts that reached a reader, counted once for each reader.
    var deliveries = 0
    /// Reads that brought alerts.
    var reads = 0
    var lost = 0
    var duplicated = 0
    var reordered = 0
    /// Readers whose connection ended.
    var closed = 0
    /// Why the first of them ended.
    var complaints: [String] = []

    static let mostComplaints = 3

    mutating func add(_ other: ReaderCounts) {
        opened += other.opened
        deliveries += other.deliveries
        reads += other.reads
        lost += other.lost
        duplicated += other.duplicated
        reordered += other.reordered
        closed += other.closed
        complaints += other.complaints.prefix(Self.mostComplaints - min(complaints.count, Self.mostComplaints))
    }
}

/// Times from when an alert was due until it was read, in microseconds.
struct Latencies: Sendable {
    private static let longest: UInt64 = 60_000_000
    private(set) var histogram = Histogram<UInt32>(highestTrackableValue: longest)

    /// - Parameter nanoseconds: longer than a minute counts as a minute.
    mutating func record(nanoseconds: Int64) {
        histogram.record(min(UInt64(max(0, nanoseconds)) / 1000, Self.longest))
    }

    mutating func add(_ other: Latencies) { histogram.add(other.histogram) }

    mutating func reset() { histogram.reset() }

    /// - Returns: milliseconds; 0 where nothing was recorded.
    func percentile(_ percentile: Double) -> Double { Double(histogram.valueAtPercentile(percentile)) / 1000 }
}
