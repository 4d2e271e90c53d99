import MessageBus

/// What a VM says to all on the topic: one message of Pub/Sub each.
struct Word: Sendable, Equatable {
    enum Saying: Sendable, Equatable {
        /// An alert is raised.
        case alert(RaisedAlert)
        /// Tells by its coming back that the topic carries what this VM says, and nothing besides.
        case probe
        /// A VM begins to listen and wants to know where the log stands.
        case hello
        /// A VM takes its name.
        case join(Place)
        /// A VM is still there; and where the log stands as far as it knows.
        case lease(Place, Anchor?)
        /// A name is not its holder's any more.
        case leave(VMIdentity)
        /// The log goes on in a new epoch, after what its author knows as the log's end.
        case epoch(UInt64, predecessor: Position)
    }

    /// The boot id of the process that says it.
    let author: String
    /// Counts what the author says, from 1: what comes with a number that is not above the last one has been heard before.
    let number: UInt64
    let saying: Saying
}

/// An alert on its way into the log.
struct RaisedAlert: Sendable, Equatable {
    let topic: Topic
    let key: String?
    /// Where it stood before the topic lost it.
    let healedFrom: Position?
    /// `Draft.encoded`.
    let body: [UInt8]
}

/// A VM and its load, as it says them itself.
struct Place: Sendable, Equatable {
    let vm: VMIdentity
    let load: VMLoad
}

/// Where the log stands behind a message of the topic.
struct Anchor: Sendable, Equatable {
    /// Pub/Sub's id of the message, which is the same for all who hear it.
    let message: String
    let position: Position
    let checksum: Checksum
    /// How much whoever says it has heard.
    let authority: Authority
}
