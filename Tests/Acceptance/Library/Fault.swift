/// What is done to a run. The raw values are the names for the command line.
public enum Fault: String, Sendable, CaseIterable {
    case vmKills = "1"
    case rollingDeploy = "2"
    case zombie = "3"
    case busKills = "4"
    case lossyBusKill = "5a"
    case failover = "5b"
    case partitions = "6"
    case busTroubles = "7"
    case stalledReader = "8"
    case shortRetention = "9"
    case distantRegions = "10"
    case orderlyEnd = "11"

    /// The faults of one name: `5` means both of its forms.
    public static func named(_ name: String) -> [Fault] {
        allCases.filter { $0.rawValue == name || $0.rawValue.prefix { $0.isNumber } == name }
    }

    /// For the table.
    func title(on bus: BusKind) -> String {
        switch self {
        case .vmKills: "`kill -9` of a VM every 10 s, restarted with the same id"
        case .rollingDeploy: "rolling SIGTERM of every VM, twice"
        case .zombie: "SIGSTOP past the lease, a successor, SIGCONT"
        case .busKills:
            bus == .redis ? "`kill -9` of Redis five times (AOF `always`)" : "`kill -9` of PostgreSQL five times"
        case .lossyBusKill: "`kill -9` of Redis (AOF `everysec`)"
        case .failover: "failover to a replica that misses a tail"
        case .partitions: "partitions VM–bus and reader–VM, dropped and reset"
        case .busTroubles:
            bus == .redis
                ? "CLIENT KILL, SCRIPT FLUSH, FLUSHALL, out of memory" : "`pg_terminate_backend` of all, five times"
        case .stalledReader: "two readers that stop reading"
        case .shortRetention: "retention shorter than the outage of some readers"
        case .distantRegions: "two VMs 150 ms away from the bus"
        case .orderlyEnd: "none, and the end of every VM"
        }
    }

    /// Why there is no such fault on this bus; `nil` where there is.
    public func absence(on bus: BusKind) -> String? {
        switch (self, bus) {
        case (_, .redis): nil
        case (.lossyBusKill, .postgres), (.failover, .postgres):
            "it is Redis that is run in a way that may lose its end"
        case (_, .postgres): nil
        case (.partitions, .memory), (.stalledReader, .memory), (.shortRetention, .memory), (.orderlyEnd, .memory): nil
        case (_, .memory): "there is one VM, and the bus is inside it"
        case (.busKills, .google), (.lossyBusKill, .google):
            "the emulator keeps nothing when it ends, unlike Google's service"
        case (.failover, .google): "there is no replica to fail over to: Google does that inside its service"
        case (.busTroubles, .google): "there is nothing else to do to an emulator; fault 6 cuts VMs off from it"
        case (.shortRetention, .google): "a Pub/Sub topic retains ten minutes at least"
        case (.distantRegions, .google): "the emulator waits for each acknowledgement, so its own way would be measured"
        case (_, .google): nil
        }
    }

    /// What it needs at least, in seconds.
    func minimumSeconds(isShort: Bool) -> Int {
        switch self {
        case .vmKills: isShort ? 15 : 40
        case .rollingDeploy: 50
        case .zombie: isShort ? 28 : 60
        case .busKills: isShort ? 15 : 30
        case .lossyBusKill, .failover: 15
        case .partitions: isShort ? 25 : 100
        case .busTroubles: isShort ? 15 : 30
        case .stalledReader: 45
        case .shortRetention: 20
        case .distantRegions, .orderlyEnd: 5
        }
    }

    /// Which resets are not a fault.
    enum Resets { case none, any, heldOff }

    /// A reset says that something may be missing; where the log keeps everything there is no reason for one.
    var resets: Resets {
        switch self {
        case .vmKills, .rollingDeploy, .zombie, .busKills, .partitions, .distantRegions, .orderlyEnd: .none
        case .lossyBusKill, .failover, .busTroubles, .stalledReader: .any
        case .shortRetention: .heldOff
        }
    }

    /// Whether alerts may be missing, with a reset that says so: only where readers are away for longer than alerts are held.
    var excuses: Bool { self == .shortRetention || self == .stalledReader }

    /// Added to the VMs' environment.
    var environment: [String: String] {
        switch self {
        case .shortRetention: ["RETENTION": "1s", "RETENTION_COUNT": "50", "LOG_COUNT": "100"]
        case .stalledReader: ["MAX_PENDING": "65536", "MAX_BODY": "32768"]
        default: [:]
        }
    }

    /// Bytes that every text is longer: a reader that does not read has to be too much for the system's buffers.
    var padding: Int { self == .stalledReader ? 3500 : 0 }

    /// Whether the bus loses what it had accepted, so that VMs have to put it back.
    var loses: Bool {
        switch self {
        case .lossyBusKill, .failover, .busTroubles: true
        default: false
        }
    }
}
