import MessageBus
import StrictJSON

/// A message that a pull has handed over, which waits for its acknowledgement.
struct ReceivedMessage: Sendable, Equatable {
    let ackID: String
    /// Unique in the topic.
    let messageID: String
    /// When Google accepted it, by Google's clock.
    let publishTime: WallTime
    let attributes: [String: String]
    let data: [UInt8]
}

extension ReceivedMessage {
    /// - Returns: `nil` where this is no message.
    init?(_ value: JSONValue) {
        guard let received = value.objectValue, let message = received["message"]?.objectValue,
            let ackID = received["ackId"]?.stringValue, !ackID.isEmpty,
            let messageID = message["messageId"]?.stringValue,
            let publishTime = message["publishTime"]?.stringValue.flatMap(RFC3339.parse),
            let attributes = [String: String](message["attributes"])
        else { return nil }
        let data: [UInt8]
        switch message["data"] {
        case nil, .null: data = []
        case .string(let text):
            guard let bytes = Base64.decode(text) else { return nil }
            data = bytes
        default: return nil
        }
        self.init(
            ackID: ackID, messageID: messageID, publishTime: publishTime, attributes: attributes, data: data)
    }
}
