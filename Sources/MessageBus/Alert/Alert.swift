/// An alert with its place in the log.
public struct Alert: Sendable {
    public let position: Position
    public let draft: Draft
    /// The position that the alert was first accepted at, where the bus lost it there and a VM that held it put it into the log again.
    public let healedFrom: Position?

    public init(position: Position, draft: Draft, healedFrom: Position? = nil) {
        self.position = position
        self.draft = draft
        self.healedFrom = healedFrom
    }

    /// The alert's whole JSON object: `{"id":"…",` and the draft's members; with `"healed_from":"…",` between where that is so.
    public var encoded: [UInt8] {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(64 + draft.encoded.count)
        bytes += Self.idPrefix
        position.appendID(to: &bytes)
        if let healedFrom {
            bytes += Self.healedPrefix
            healedFrom.appendID(to: &bytes)
        }
        bytes.append(UInt8(ascii: "\""))
        bytes.append(UInt8(ascii: ","))
        bytes += draft.encoded.dropFirst()
        return bytes
    }

    private static let idPrefix = Array(#"{"id":""#.utf8)
    private static let healedPrefix = Array(#"","healed_from":""#.utf8)
}

extension Alert: LogEntry {
    public var time: WallTime { draft.time }

    /// What the alert weighs against a byte bound: its JSON, which the log and the VM's rings hold once each, and what its objects, strings and places
    /// in both take besides, as measured on a process full of short alerts.
    public var weight: Int { 2 * draft.encoded.count + Self.overhead }

    private static let overhead = 1024
}
