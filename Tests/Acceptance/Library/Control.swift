/// A run that is broken on purpose: an audit that finds nothing in it finds nothing anywhere.
enum Control: String, Sendable, CaseIterable {
    /// Readers come back without their cursor.
    case resumeOff = "resume-off"
    /// The bus does not honour keys, and answers to publishers are lost.
    case dedupeOff = "dedupe-off"
    /// The log's epoch stays the same when the bus has lost its end.
    case constantEpoch = "constant-epoch"
    /// Positions come from a sequence that nothing orders with the commits.
    case sequencePolling = "sequence-polling"

    var title: String {
        switch self {
        case .resumeOff: "control: readers resume without a cursor"
        case .dedupeOff: "control: keys are not honoured"
        case .constantEpoch: "control: the epoch never changes"
        case .sequencePolling: "control: positions from a sequence"
        }
    }

    func exists(on bus: BusKind) -> Bool {
        switch self {
        case .resumeOff, .dedupeOff: bus != .memory
        case .constantEpoch: bus == .redis
        case .sequencePolling: bus == .postgres
        }
    }

    /// What is done to the run.
    var fault: Fault {
        switch self {
        case .resumeOff: .vmKills
        case .dedupeOff, .sequencePolling: .orderlyEnd
        case .constantEpoch: .failover
        }
    }

    /// What the VMs are told to be wrong in, by `CRIER_FAULT`.
    var serverFault: String? {
        switch self {
        case .dedupeOff: "forgetsKeys"
        case .constantEpoch: "constantEpoch"
        case .resumeOff, .sequencePolling: nil
        }
    }

    var finding: ControlFinding {
        switch self {
        case .resumeOff: .loss
        case .dedupeOff: .doubling
        case .constantEpoch: .breach
        case .sequencePolling: .breachOrReset
        }
    }
}
