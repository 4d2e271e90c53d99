/// How the lead goes over to another VM: who wants it, and whether who has it has said its last word.
///
/// Of several that want it at once the one with the greatest epoch gets it, by the greatest boot id where epochs are equal.
struct Succession: Sendable {
    private struct Claim: Sendable {
        let epoch: UInt64
        let author: String

        func precedes(_ other: Claim) -> Bool { (epoch, author) < (other.epoch, other.author) }
    }

    private var foremost: Claim?
    /// The greatest epoch whose leader has ceded the lead or left.
    private var ended: UInt64 = 0

    /// Somebody wants to lead an epoch.
    mutating func claim(_ epoch: UInt64, by author: String) {
        let claim = Claim(epoch: epoch, author: author)
        if foremost?.precedes(claim) ?? true { foremost = claim }
    }

    /// Whether nobody else has a better claim.
    func isForemost(_ epoch: UInt64, by author: String) -> Bool {
        foremost.map { $0.epoch == epoch && $0.author == author } ?? false
    }

    /// Whether somebody wants an epoch after this one.
    func isClaimed(after epoch: UInt64) -> Bool { foremost.map { $0.epoch > epoch } ?? false }

    /// The leader of an epoch has said its last word.
    mutating func end(_ epoch: UInt64) { ended = max(ended, epoch) }

    /// Whether nothing follows any more on what was heard of an epoch's places: what one VM says is heard in its order.
    func hasEnded(_ epoch: UInt64) -> Bool { epoch <= ended }
}
