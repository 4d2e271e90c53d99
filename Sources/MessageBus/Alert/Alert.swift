/// An alert with its place in the log.
public struct Alert: Sendable {
    public let position: Position
    public let draft: Draft

    public init(position: Position, draft: Draft) {
        self.position = position
        self.draft = draft
    }

    /// The alert's whole JSON object: `{"id":"…",` and the draft's members.
    public var encoded: [UInt8] {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(Self.idPrefix.count + Position.idLength + 2 + draft.encoded.count)
        bytes += Self.idPrefix
        position.appendID(to: &bytes)
        bytes.append(UInt8(ascii: "\""))
        bytes.append(UInt8(ascii: ","))
        bytes += draft.encoded.dropFirst()
        return bytes
    }

    private static let idPrefix = Array(#"{"id":""#.utf8)
}

extension Alert: LogEntry {
    public var time: WallTime { draft.time }

    /// What the alert weighs against a byte bound: its JSON, which the log and the VM's rings hold once each, and what its objects, strings and places
    /// in both take besides, as measured on a process full of short alerts.
    public var weight: Int { 2 * draft.encoded.count + Self.overhead }

    private static let overhead = 1024
}
