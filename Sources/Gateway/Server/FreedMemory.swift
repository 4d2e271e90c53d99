import CLinux

/// Gives memory that many connections have freed together back to the system, which the C library's allocator by itself keeps.
struct FreedMemory {
    /// So many have to have left.
    private static let crowd = 1000
    private static let interval = Duration.seconds(1)

    let connections: ConnectionCount

    /// Looks once a second until the task is cancelled.
    func watch() async {
        var crest = CrowdCrest(crowd: Self.crowd)
        while (try? await ContinuousClock().sleep(for: Self.interval)) != nil {
            if crest.hasEbbed(to: connections.current) { crier_give_memory_back() }
        }
    }
}

/// Tells when a crowd has left and no one is leaving any more.
struct CrowdCrest {
    let crowd: Int
    private var highest = 0
    private var last = 0

    init(crowd: Int) { self.crowd = crowd }

    /// - Parameter count: how many are there now; asked at regular intervals.
    mutating func hasEbbed(to count: Int) -> Bool {
        defer { last = count }
        highest = max(highest, count)
        // While they leave, each moment would free less than the next.
        guard highest - count >= crowd, count >= last else { return false }
        highest = count
        return true
    }
}
