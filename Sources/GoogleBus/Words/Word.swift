import MessageBus

/// What a VM says to all on the topic: one message of Pub/Sub each.
struct Word: Sendable, Equatable {
    enum Saying: Sendable, Equatable {
        /// An alert is raised, and waits for its place.
        case alert(RaisedAlert)
        /// The leader gives alerts their places in the log.
        case place(Placement)
        /// The author wants to lead an epoch, once the last word of who leads is heard.
        case claim(UInt64)
        /// The author led an epoch and places nothing more in it.
        case cede(UInt64)
        /// The log goes on in a new epoch behind a position, and the author leads it.
        case epoch(UInt64, predecessor: Position)
        /// A VM is there, and says where the log stands as far as it knows.
        case standing(Standing?)
        /// A VM begins to listen and wants to know where the log stands.
        case hello
        /// A VM takes its name.
        case join(Place)
        /// A VM still has its name; and where the log stands as far as it knows.
        case lease(Place, Standing?)
        /// A name is not its holder's any more.
        case leave(VMIdentity)
    }

    /// The boot id of the process that says it.
    let author: String
    /// Counts what the author says, from 1.
    let number: UInt64
    let saying: Saying

    var reference: Reference { Reference(author: author, number: number) }
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

/// Where the log stands as far as a VM knows.
struct Standing: Sendable, Equatable {
    let head: Position
    /// The boot id of the process that leads the head's epoch.
    let leader: String
}

/// A word, by who said it and which one of theirs it is.
struct Reference: Sendable, Hashable {
    let author: String
    let number: UInt64
}
