import StrictJSON

/// What Crier has to know of a subscription.
struct SubscriptionState: Sendable, Equatable {
    let labels: [String: String]
    /// The topic's full name; `_deleted-topic_` where that was removed.
    let topic: String

    /// - Returns: `nil` where this is no subscription.
    init?(_ members: JSONObject) {
        guard let topic = members["topic"]?.stringValue, let labels = [String: String](members["labels"]) else {
            return nil
        }
        self.topic = topic
        self.labels = labels
    }
}

extension [String: String] {
    /// The texts by name that a JSON object is.
    ///
    /// - Returns: `nil` where something in it is not a text; nothing where there is no object.
    init?(_ value: JSONValue?) {
        self = [:]
        guard let value else { return }
        guard let members = value.objectValue?.members else { return nil }
        reserveCapacity(members.count)
        for (name, value) in members {
            guard let text = value.stringValue else { return nil }
            self[name] = text
        }
    }
}
