import MessageBus

/// What the store's presence entries said when they were last read: one that is as it was is not parsed again, nor complained of again.
struct PresenceReadings: Sendable {
    /// An entry that is no record.
    struct Unreadable: Equatable, Sendable {
        let name: StoreName
        let error: PresenceRecordError
    }

    private var readings: [StoreName: (value: [UInt8], record: PresenceRecord?)] = [:]

    /// Takes all entries that there are in the place of those there were.
    ///
    /// - Returns: the entries that cannot be read, and were not there before as they are. They are left out of `merged`.
    mutating func replace(with entries: [StoreEntry]) -> [Unreadable] {
        var unreadable: [Unreadable] = []
        let before = readings
        readings = [:]
        for entry in entries {
            if let known = before[entry.name], known.value == entry.value {
                readings[entry.name] = known
                continue
            }
            var record: PresenceRecord?
            do throws(PresenceRecordError) { record = try PresenceRecord(parsing: entry.value) } catch {
                unreadable.append(Unreadable(name: entry.name, error: error))
            }
            readings[entry.name] = (entry.value, record)
        }
        return unreadable
    }

    var merged: PresenceElsewhere { PresenceElsewhere(merging: readings.values.lazy.compactMap(\.record)) }
}
