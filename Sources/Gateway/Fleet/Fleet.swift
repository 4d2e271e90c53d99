import MessageBus

/// The VMs of the deployment at one moment, this one always among them.
struct Fleet: Sendable, Equatable {
    struct VM: Sendable, Equatable {
        let id: String
        let region: String
        /// Connected readers.
        var sockets = 0
        /// Alerts in the log that have not reached it.
        var lag: UInt64 = 0
        /// When it took its place on the bus; `nil` where the bus has not said.
        var since: WallTime?
    }

    /// By region, then by id.
    let vms: [VM]
    private let regions: [String: String]
    private let inhabited: Set<String>

    /// - Parameters:
    ///   - own: this VM.
    ///   - records: what the bus knows; of this VM only its figures count.
    init(own: VM, records: [VMRecord]) {
        var known = [own.id: own]
        for record in records {
            known[record.id] = VM(
                id: record.id, region: record.id == own.id ? own.region : record.region, sockets: record.sockets,
                lag: record.lag, since: record.since)
        }
        vms = known.values.sorted { ($0.region, $0.id) < ($1.region, $1.id) }
        regions = known.mapValues(\.region)
        inhabited = Set(regions.values)
    }

    func isAlive(_ id: String) -> Bool { regions[id] != nil }

    /// Where a VM is; `nil` where there is none of that id.
    func region(of id: String) -> String? { regions[id] }

    func hasVM(in region: String) -> Bool { inhabited.contains(region) }
}
