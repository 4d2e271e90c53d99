public import DequeModule

/// What a `LogTail` holds: something with a place in the log, a time and a weight.
public protocol LogEntry: Sendable {
    var position: Position { get }
    var time: WallTime { get }
    /// Bytes counted against the tail's byte bound.
    var weight: Int { get }
}

/// How much of a log is kept: at least `count` entries and everything of the last `age` milliseconds, but never more than `bytes`.
public struct Retention: Sendable, Equatable {
    public var count: Int
    /// Milliseconds.
    public var age: Int64
    public var bytes: Int

    public init(count: Int = 10_000, age: Int64 = 600_000, bytes: Int = 64 << 20) {
        self.count = count
        self.age = age
        self.bytes = bytes
    }
}

/// The bounded, gapless end of the log, as a value: the in-process bus keeps alerts in one, each shard's ring its encoded alerts.
///
/// Everything after `floor` up to `head` is held, so a cursor is answered completely or not at all. Overflow policy: the oldest leave first.
///
/// What runs for every alert is inlinable, so that the shards' rings are compiled for their entries.
public struct LogTail<Entry: LogEntry>: Sendable {
    @usableFromInline var start: Position
    @usableFromInline var end: Position
    @usableFromInline var weight = 0
    @usableFromInline var entries: Deque<Entry> = []
    public let retention: Retention

    public init(after start: Position, retention: Retention) {
        self.start = start
        self.end = start
        self.retention = retention
    }

    /// Every entry after this position is held; entries at or before it are gone.
    @inlinable public var floor: Position { start }
    /// The position of the newest entry, or `floor` while there is none.
    @inlinable public var head: Position { end }
    public var bytes: Int { weight }
    public var count: Int { entries.count }
    public var oldest: Entry? { entries.first }
    public var newest: Entry? { entries.last }

    /// Adds the next entry and lets the oldest go where a bound is passed.
    ///
    /// - Precondition (checked, not trapped): `entry` comes after `head`; an entry that does not is ignored.
    @inlinable
    public mutating func append(_ entry: Entry, now: WallTime) {
        guard entry.position > end else { return }
        entries.append(entry)
        weight += entry.weight
        end = entry.position
        trim(now: now)
    }

    /// Lets go of what the retention does not cover. The newest entry always stays.
    @inlinable
    public mutating func trim(now: WallTime) {
        let horizon = now.advanced(byMilliseconds: -retention.age)
        while entries.count > 1, let oldest = entries.first,
            weight > retention.bytes || (entries.count > retention.count && oldest.time < horizon)
        {
            entries.removeFirst()
            weight -= oldest.weight
            start = oldest.position
        }
    }

    /// Forgets everything: the log goes on after `position`, and what came before is not vouched for.
    public mutating func restart(after position: Position) {
        entries.removeAll()
        weight = 0
        start = position
        end = position
    }

    /// Whether everything after `cursor` is held.
    @inlinable
    public func covers(_ cursor: Position) -> Bool { cursor >= floor && cursor <= head }

    /// Whether the entry at `position` is held.
    public func holds(_ position: Position) -> Bool {
        let index = firstIndex { $0.position >= position }
        return index < entries.endIndex && entries[index].position == position
    }

    /// The entries after `cursor`, oldest first. Entries at or before `floor` are not among them: ask `covers` first.
    @inlinable
    public func entries(after cursor: Position) -> Deque<Entry>.SubSequence {
        entries[firstIndex { $0.position > cursor }...]
    }

    /// The cursor after which all entries of `time` or later stand, as far as they are held. Times follow the publishing VMs' clocks, so the
    /// search takes the first entry that is late enough.
    public func cursor(before time: WallTime) -> Position {
        guard let index = entries.firstIndex(where: { $0.time >= time }) else { return head }
        return index == entries.startIndex ? floor : entries[index - 1].position
    }

    /// The cursor before the newest `count` entries.
    public func cursor(beforeLast count: Int) -> Position {
        count >= entries.count ? floor : entries[entries.count - max(0, count) - 1].position
    }

    @inlinable
    func firstIndex(where matches: (Entry) -> Bool) -> Int {
        var low = entries.startIndex
        var high = entries.endIndex
        while low < high {
            let middle = (low + high) / 2
            if matches(entries[middle]) { high = middle } else { low = middle + 1 }
        }
        return low
    }
}
