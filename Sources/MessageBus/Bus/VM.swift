/// Who a VM is on the bus.
public struct VMIdentity: Sendable, Equatable {
    /// `FLY_ALLOC_ID`, which survives restarts.
    public let id: String
    public let region: String
    /// Random at every start: tells a VM from its own predecessor of the same id.
    public let boot: String
    public let subscription: SubscriptionName

    /// - Returns: `nil` where `id` cannot name a bus channel.
    public init?(id: String, region: String, boot: String) {
        guard let subscription = SubscriptionName(vm: id) else { return nil }
        self.id = id
        self.region = region
        self.boot = boot
        self.subscription = subscription
    }
}

/// The name of a VM's subscription and of its own bus channel: `ID_<FLY_ALLOC_ID>`.
public struct SubscriptionName: Hashable, Comparable, Sendable, CustomStringConvertible {
    public let name: String

    /// The longest VM id, in characters: with its prefix it has to fit PostgreSQL's 63-byte channel names.
    public static let maximumIDLength = 60

    /// - Returns: `nil` where `vm` is not `[-_A-Za-z0-9]{1,60}`.
    public init?(vm: String) {
        guard vm.utf8.count <= Self.maximumIDLength, Topic(vm) != nil else { return nil }
        self.name = "ID_" + vm
    }

    public var description: String { name }
    public static func < (left: Self, right: Self) -> Bool { left.name < right.name }
}

/// What a VM tells the bus about itself from time to time.
public struct VMLoad: Sendable, Equatable {
    public var sockets: Int
    /// The last position that reached the VM's ring.
    public var position: Position

    public init(sockets: Int, position: Position) {
        self.sockets = sockets
        self.position = position
    }
}

/// What the bus knows of a VM.
public struct VMRecord: Sendable, Equatable {
    public let subscription: SubscriptionName
    public let id: String
    public let region: String
    public let boot: String
    public let sockets: Int
    public let position: Position
    /// Alerts that stand in the log after `position`.
    public let lag: UInt64
    public let since: WallTime
    public let seen: WallTime

    public init(
        vm: VMIdentity, load: VMLoad, lag: UInt64, since: WallTime, seen: WallTime
    ) {
        self.subscription = vm.subscription
        self.id = vm.id
        self.region = vm.region
        self.boot = vm.boot
        self.sockets = load.sockets
        self.position = load.position
        self.lag = lag
        self.since = since
        self.seen = seen
    }
}
