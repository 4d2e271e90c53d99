/// What comes out of the log: bytes that are not looked at yet.
public struct StoredAlert: Sendable {
    public let position: Position
    /// `Draft.encoded`.
    public let body: [UInt8]
    /// `Draft.key`.
    public let key: String?
    public let healedFrom: Position?
    /// At an epoch's first alert: the log's last position before the epoch, `.origin` where nothing is known to have been before.
    public let predecessor: Position?

    public init(
        position: Position, body: [UInt8], key: String? = nil, healedFrom: Position? = nil,
        predecessor: Position? = nil
    ) {
        self.position = position
        self.body = body
        self.key = key
        self.healedFrom = healedFrom
        self.predecessor = predecessor
    }
}
