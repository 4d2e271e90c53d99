import Crypto
import DequeModule
import MessageBus

/// The tokens whose signatures were verified, by their digests, so that one that comes again and again is verified once.
///
/// Bounded: past `capacity` the oldest are forgotten first and verified again.
struct VerifiedTokens: Sendable {
    struct Entry: Sendable {
        let claims: AccessClaims
        let query: KeyQuery
        /// The key that verified it: where the issuer takes that back, the token falls with it.
        let key: PublicKeyMaterial
    }

    private var entries: [SHA256Digest: Entry] = [:]
    /// In the order in which they came.
    private var order: Deque<SHA256Digest> = []
    private let capacity: Int

    /// - Parameter capacity: none are remembered with zero or less.
    init(capacity: Int) { self.capacity = capacity }

    var count: Int { entries.count }

    subscript(token: SHA256Digest) -> Entry? { entries[token] }

    mutating func remember(_ entry: Entry, for token: SHA256Digest) {
        guard capacity > 0 else { return }
        if entries.updateValue(entry, forKey: token) == nil { order.append(token) }
        while order.count > capacity { entries[order.removeFirst()] = nil }
    }

    mutating func forget(_ token: SHA256Digest) {
        guard entries.removeValue(forKey: token) != nil else { return }
        order.removeAll { $0 == token }
    }
}
