public import MessageBus

/// What the VMs of a deployment tell each other through the log, on a topic of its own that no reader may follow.
public enum ControlNotice: Sendable {
    case alert(Alert)
    /// Notices may be missing: the log could not be handed over without a hole.
    case lost
}

extension Topic {
    private static let controlName = "_crier"

    /// Where the notices are.
    public static let control: Topic = {
        guard let topic = Topic(controlName) else { preconditionFailure("\(controlName) is not a topic") }
        return topic
    }()
}
