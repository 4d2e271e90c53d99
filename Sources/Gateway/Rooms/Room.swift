import MessageBus

/// A place where people see each other: a region's, named `ams`, or one VM's, named `vm/<id>`.
struct Room: Hashable, Sendable {
    /// Whose room it is.
    enum Kind: Hashable, Sendable {
        /// Of a region, by its code.
        case region(String)
        /// Of one VM, by its id.
        case vm(String)
    }

    /// The longest code of a region that has a room, in characters (all are ASCII, so in bytes as well).
    static let maximumCodeLength = 32
    /// The longest id of a VM that has a room: with what stands before it, it fills a topic's name.
    static let maximumIDLength = 55

    private static let prefix = "_room-"
    private static let vmPrefix = "vm-"

    let kind: Kind
    /// What is said in the room is raised on: `_room-<region>` or `_room-vm-<id>`. No two rooms have the same.
    let topic: Topic

    /// - Returns: `nil` where a region's code is not `[-_A-Za-z0-9]{1,32}`, or is `vm` or begins with `vm-`, whose name and topic are VMs';
    ///   where a VM's id is not `[-_A-Za-z0-9]{1,55}`.
    init?(_ kind: Kind) {
        let name: String
        switch kind {
        case .region(let code):
            guard (1...Self.maximumCodeLength).contains(code.utf8.count), code != "vm",
                !code.utf8.starts(with: Self.vmPrefix.utf8)
            else { return nil }
            name = Self.prefix + code
        case .vm(let id):
            guard (1...Self.maximumIDLength).contains(id.utf8.count) else { return nil }
            name = Self.prefix + Self.vmPrefix + id
        }
        guard let topic = Topic(name) else { return nil }
        self.kind = kind
        self.topic = topic
    }

    /// The room of a name, `ams` or `vm/<id>`. There is no percent-decoding: a name with other characters is no room's.
    init?(name: some StringProtocol) {
        let parts = name.split(separator: "/", maxSplits: 2, omittingEmptySubsequences: false).map { String($0) }
        switch parts.count {
        case 1: self.init(.region(parts[0]))
        case 2 where parts[0] == "vm": self.init(.vm(parts[1]))
        default: return nil
        }
    }

    /// The room that a topic belongs to; `nil` for all other topics.
    init?(topic: Topic) {
        guard topic.name.utf8.starts(with: Self.prefix.utf8) else { return nil }
        let rest = topic.name.dropFirst(Self.prefix.count)
        let isOfVM = rest.utf8.starts(with: Self.vmPrefix.utf8)
        self.init(isOfVM ? .vm(String(rest.dropFirst(Self.vmPrefix.count))) : .region(String(rest)))
    }

    /// The room whose page, or whose socket, has this path; see `RoomPath`.
    init?(path: some StringProtocol) {
        guard let path = RoomPath(path) else { return nil }
        self = path.room
    }

    /// The room of a ``label``.
    init?(label: some StringProtocol) {
        guard let topic = Topic(Self.prefix + label) else { return nil }
        self.init(topic: topic)
    }

    /// Its name in one part of a path: `ams`, `vm-<id>`.
    var label: String { String(topic.name.dropFirst(Self.prefix.count)) }

    /// What people and paths call it: `ams`, `vm/<id>`.
    var name: String {
        switch kind {
        case .region(let code): code
        case .vm(let id): "vm/" + id
        }
    }

    static func == (left: Self, right: Self) -> Bool { left.topic == right.topic }
    func hash(into hasher: inout Hasher) { hasher.combine(topic) }
}
