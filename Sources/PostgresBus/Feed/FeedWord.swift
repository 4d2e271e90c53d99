/// What travels on a VM's own channel, and as a probe on the log's too: `<namespace> taken <boot>` and `<namespace> probe <nonce>`. The namespace is
/// said because several logs of one database share the VMs' channels.
enum FeedWord: Equatable {
    /// A boot has taken the VM's name.
    case taken(by: String)
    case probe(String)

    /// - Returns: `nil` where `text` is none of this namespace's words.
    init?(_ text: String, in namespace: PostgresNamespace) {
        let parts = text.split(separator: " ", maxSplits: 2, omittingEmptySubsequences: false)
        guard parts.count == 3, parts[0] == namespace.name else { return nil }
        switch parts[1] {
        case "taken": self = .taken(by: String(parts[2]))
        case "probe": self = .probe(String(parts[2]))
        default: return nil
        }
    }

    func text(in namespace: PostgresNamespace) -> String {
        switch self {
        case .taken(let boot): "\(namespace) taken \(boot)"
        case .probe(let nonce): "\(namespace) probe \(nonce)"
        }
    }
}
