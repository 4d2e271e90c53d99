/// The kind of a metric family, as its `# TYPE` line names it.
enum MetricKind: String, Sendable {
    case counter, gauge, histogram

    /// A label that the kind itself writes.
    var reservedLabel: String? { self == .histogram ? "le" : nil }

    /// The names of the sample lines of a family of this kind.
    func sampleNames(of name: String) -> Set<String> {
        self == .histogram ? [name, name + "_bucket", name + "_sum", name + "_count"] : [name]
    }
}

/// Where a series belongs.
struct SeriesIdentity: Sendable {
    let family: String
    let labels: Labels
}

/// One metric with one set of labels.
protocol Series: AnyObject, Sendable {
    static var kind: MetricKind { get }
    var identity: SeriesIdentity { get }
    /// Writes the sample lines.
    func write(to text: inout TextFormat)
}

/// All series of one exported name.
struct Family: Sendable {
    private struct Entry: Sendable {
        let series: any Series
        /// How many metrics of swift-metrics write to it.
        var users: Int
    }

    let name: String
    /// The name without the suffix of its kind.
    let base: String
    let kind: MetricKind
    /// Upper bounds of the buckets, if it is a histogram: the same for every series.
    let bounds: [Double]
    private(set) var overflows = 0
    private var entries: [Labels: Entry] = [:]
    private var overflowSeries: (any Series)?

    init(name: String, base: String, kind: MetricKind, bounds: [Double]) {
        (self.name, self.base, self.kind, self.bounds) = (name, base, kind, bounds)
    }

    /// The series with these labels, a new one, or the one that all beyond `limit` share.
    mutating func series(
        _ labels: Labels, limit: Int, overflow: Labels, make: (Labels) -> any Series
    ) -> any Series {
        if entries[labels] != nil {
            entries[labels]?.users += 1
        } else if entries.count < limit, labels != overflow {
            entries[labels] = Entry(series: make(labels), users: 1)
        }
        if let entry = entries[labels] { return entry.series }
        overflows += 1
        let series = overflowSeries ?? make(overflow)
        overflowSeries = series
        return series
    }

    /// One user less; the last one takes the series away. The overflow series stays.
    mutating func release(_ series: any Series) {
        let labels = series.identity.labels
        guard let entry = entries[labels], entry.series === series else { return }
        if entry.users > 1 {
            entries[labels]?.users -= 1
        } else {
            entries[labels] = nil
        }
    }

    /// Writes the header and all series, ordered by their labels.
    func write(to text: inout TextFormat, help: [String: String]) {
        guard !entries.isEmpty || overflowSeries != nil else { return }
        text.header(name: name, type: kind.rawValue, help: help[name] ?? help[base])
        for (_, entry) in entries.sorted(by: { $0.key.text < $1.key.text }) { entry.series.write(to: &text) }
        overflowSeries?.write(to: &text)
    }
}
