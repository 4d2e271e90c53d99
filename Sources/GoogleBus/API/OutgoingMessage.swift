import StrictJSON

/// A message to be published.
///
/// Google takes 100 attributes of up to 256 bytes for the name and 1,024 for the value, 1,024 bytes of an ordering key, and 10 MB in all; a
/// message has data or at least one attribute.
struct OutgoingMessage: Sendable, Equatable {
    var data: [UInt8]
    var attributes: [String: String]
    /// Messages with the same key are delivered in the order in which Google accepted them; an empty one is none.
    var orderingKey: String
}

extension JSONWriter {
    mutating func message(_ message: OutgoingMessage) {
        beginObject()
        if !message.data.isEmpty {
            key("data")
            string(Base64.encode(message.data))
        }
        if !message.attributes.isEmpty {
            key("attributes")
            texts(message.attributes)
        }
        if !message.orderingKey.isEmpty {
            key("orderingKey")
            string(message.orderingKey)
        }
        endObject()
    }

    mutating func texts(_ texts: [String: String]) {
        beginObject()
        for (name, text) in texts {
            key(name)
            string(text)
        }
        endObject()
    }

    mutating func texts(_ texts: some Sequence<String>) {
        beginArray()
        for text in texts { string(text) }
        endArray()
    }
}
