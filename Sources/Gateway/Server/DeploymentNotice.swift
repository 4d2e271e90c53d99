import Broadcasting
import MessageBus

/// What the VMs of a deployment tell each other: a word and what it is about, as the text of an alert on `Topic.control`.
enum DeploymentNotice: Equatable, Sendable {
    /// A session has ended.
    case sessionEnded(SessionKey)
    /// Someone entered or left a room.
    case presenceChanged

    /// - Returns: `nil` where the text says nothing that this version knows.
    init?(_ text: String) {
        let parts = text.split(separator: " ", maxSplits: 1)
        switch (parts.first, parts.count > 1 ? parts[1] : nil) {
        case ("session-ended", let about?):
            guard let key = SessionKey(String(about)) else { return nil }
            self = .sessionEnded(key)
        case ("presence-changed", nil): self = .presenceChanged
        default: return nil
        }
    }

    var text: String {
        switch self {
        case .sessionEnded(let key): "session-ended \(key.text)"
        case .presenceChanged: "presence-changed"
        }
    }

    /// The alert that tells it.
    func draft(region: String, clock: WallClock) -> Draft {
        Draft(topic: .control, content: AlertContent(message: text), time: clock.now(), sender: nil, region: region)
    }
}
