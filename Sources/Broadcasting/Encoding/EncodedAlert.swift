public import MessageBus
import NIOConcurrencyHelpers
import WebSocketTransport

/// An alert and its wire bytes, made once for the whole VM and shared by every shard's ring.
public final class EncodedAlert: LogEntry {
    public let alert: Alert
    /// The alert's JSON object, which every form but `cloudEvents` and `rawLines` carries.
    public let json: [UInt8]
    /// What few readers want, made under the lock when the first one does. Empty, and so a pointer, for most alerts.
    private let rarer = NIOLockedValueBox<[Made]>([])

    /// What can be made of an alert besides its JSON.
    enum Rarer: Sendable {
        case cloudEvent, line, deflated, deflatedCloudEvent
    }

    private struct Made {
        let rarer: Rarer
        let bytes: [UInt8]
    }

    public init(_ alert: Alert) {
        self.alert = alert
        self.json = alert.encoded
    }

    public var position: Position { alert.position }
    public var time: WallTime { alert.time }
    public var weight: Int { alert.weight }

    /// The alert as a CloudEvent's JSON.
    var cloudEvent: [UInt8] { once(.cloudEvent) { CloudEventEncoding.encode(alert) } }

    /// The message on one line: line breaks become spaces.
    var line: [UInt8] {
        once(.line) { alert.draft.content.message.utf8.map { $0 == 0x0A || $0 == 0x0D ? 0x20 : $0 } }
    }

    /// `json` compressed; `nil` where that is not shorter.
    var deflated: [UInt8]? { deflate(json, as: .deflated) }

    /// `cloudEvent` compressed; `nil` where that is not shorter.
    var deflatedCloudEvent: [UInt8]? { deflate(cloudEvent, as: .deflatedCloudEvent) }

    /// How often something was made.
    func timesMade(_ rarer: Rarer) -> Int {
        self.rarer.withLockedValue { made in made.count { $0.rarer == rarer } }
    }

    private func deflate(_ bytes: [UInt8], as rarer: Rarer) -> [UInt8]? {
        // Compressed data has at least one byte, so that none stands for “not shorter”.
        let deflated = once(rarer) { MessageCompressor.compress(bytes) ?? [] }
        return deflated.isEmpty ? nil : deflated
    }

    private func once(_ rarer: Rarer, _ make: () -> [UInt8]) -> [UInt8] {
        self.rarer.withLockedValue { made in
            if let bytes = made.first(where: { $0.rarer == rarer })?.bytes { return bytes }
            let bytes = make()
            made.append(Made(rarer: rarer, bytes: bytes))
            return bytes
        }
    }
}
