/// The registry's answer to a VM that renews its lease.
public struct Renewal: Sendable, Equatable {
    /// Whether the name is still this boot's.
    public var isCurrent: Bool
    /// The log's end.
    public var head: Position

    public init(isCurrent: Bool, head: Position) {
        self.isCurrent = isCurrent
        self.head = head
    }
}

/// The registry.
public struct LogMembers: Sendable {
    public struct Member: Sendable {
        public var vm: VMIdentity
        public var load: VMLoad
        public var since: WallTime
        public var seen: WallTime

        public init(vm: VMIdentity, load: VMLoad, since: WallTime, seen: WallTime) {
            self.vm = vm
            self.load = load
            self.since = since
            self.seen = seen
        }
    }

    public var members: [Member]
    /// The log's end.
    public var head: Position

    public init(members: [Member], head: Position) {
        self.members = members
        self.head = head
    }
}
