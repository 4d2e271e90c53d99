/// What the reader accepts at most. A text beyond a limit is refused with an error that names it.
public struct JSONLimits: Sendable {
    /// How deep arrays and objects may nest: 1 allows `[1]` and not `[[1]]`, 0 neither. At most 256, because the reader
    /// recurses.
    public let maxDepth: Int
    /// How many members one object may have.
    public let maxMembers: Int

    /// Limits; `maxDepth` is held within 0…256, `maxMembers` to at least 0.
    public init(maxDepth: Int = 32, maxMembers: Int = 1024) {
        self.maxDepth = min(max(maxDepth, 0), 256)
        self.maxMembers = max(maxMembers, 0)
    }
}
