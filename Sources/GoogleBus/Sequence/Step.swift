import MessageBus

/// What came of a word, in the order of the topic.
struct Step: Sendable {
    enum Effect: Sendable {
        case none
        /// An alert took its place in the log.
        case appended(StoredAlert)
        /// The alert's key, or what it heals, stands in the log already.
        case repeated(Position)
        /// The log goes on in a new epoch.
        case began
        /// Who has heard more than this VM counts otherwise.
        case disagreement
    }

    let heard: Heard
    let effect: Effect
}
