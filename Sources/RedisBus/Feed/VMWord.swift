/// What is said on a VM's own channel. Deployments that share a Redis share channels, so each word begins with the namespace.
enum VMWord: Sendable, Equatable {
    /// A boot has taken the VM's name.
    case taken(boot: String)
    /// Somebody tries whether what is said is heard.
    case probe(nonce: String)

    func text(in namespace: String) -> String {
        switch self {
        case .taken(let boot): "\(namespace) taken \(boot)"
        case .probe(let nonce): "\(namespace) probe \(nonce)"
        }
    }

    /// - Returns: `nil` where the text is not a word of this namespace.
    init?(_ text: String, in namespace: String) {
        guard text.hasPrefix(namespace + " ") else { return nil }
        let parts = text.dropFirst(namespace.count + 1).split(
            separator: " ", maxSplits: 1, omittingEmptySubsequences: false)
        guard parts.count == 2 else { return nil }
        switch parts[0] {
        case "taken": self = .taken(boot: String(parts[1]))
        case "probe": self = .probe(nonce: String(parts[1]))
        default: return nil
        }
    }
}
