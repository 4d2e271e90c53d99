/// Why bytes are no presence record.
struct PresenceRecordError: Error, Equatable, CustomStringConvertible {
    let description: String

    init(_ description: String) { self.description = description }
}
