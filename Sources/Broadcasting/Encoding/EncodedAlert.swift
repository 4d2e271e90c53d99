public import MessageBus
import NIOConcurrencyHelpers

/// An alert and its wire bytes, made once for the whole VM and shared by every shard's ring.
public final class EncodedAlert: LogEntry {
    public let alert: Alert
    /// The alert's JSON object, which every form but `cloudEvents` and `rawLines` carries.
    public let json: [UInt8]
    private let rarer = NIOLockedValueBox(RarerForms())

    private struct RarerForms {
        var cloudEvent: [UInt8]?
        var line: [UInt8]?
    }

    public init(_ alert: Alert) {
        self.alert = alert
        self.json = alert.encoded
    }

    public var position: Position { alert.position }
    public var time: WallTime { alert.time }
    public var weight: Int { alert.weight }

    /// The alert as a CloudEvent's JSON, made when the first reader wants it.
    var cloudEvent: [UInt8] {
        rarer.withLockedValue { forms in
            if let bytes = forms.cloudEvent { return bytes }
            let bytes = CloudEventEncoding.encode(alert)
            forms.cloudEvent = bytes
            return bytes
        }
    }

    /// The message on one line: line breaks become spaces.
    var line: [UInt8] {
        rarer.withLockedValue { forms in
            if let bytes = forms.line { return bytes }
            let bytes = alert.draft.content.message.utf8.map { $0 == 0x0A || $0 == 0x0D ? 0x20 : $0 }
            forms.line = bytes
            return bytes
        }
    }
}
