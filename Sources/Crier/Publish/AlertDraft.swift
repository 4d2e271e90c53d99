import ArgumentParser
import StrictJSON

/// How urgent an alert is: 1 (min) to 5 (max).
struct AlertPriority: Sendable, Equatable, ExpressibleByArgument {
    let level: Int

    private static let names = ["min": 1, "low": 2, "default": 3, "high": 4, "max": 5, "urgent": 5]

    init?(argument: String) {
        guard let level = Self.names[argument] ?? Int(argument), (1...5).contains(level) else { return nil }
        self.level = level
    }
}

/// Any JSON value, kept as it was given.
struct JSONArgument: Sendable, Equatable, ExpressibleByArgument {
    let value: JSONValue

    init?(argument: String) {
        guard let value = try? JSONValue.parse(argument) else { return nil }
        self.value = value
    }
}

/// An alert as its publisher gives it: the JSON body of `POST /`.
struct AlertDraft: Sendable, Equatable {
    var topic: String
    var message: String
    /// Makes the publish repeatable: the server raises one alert for one key.
    var key: String
    var title: String?
    var priority: AlertPriority?
    var tags: [String] = []
    var click: String?
    var delay: String?
    var expires: String?
    var data: JSONValue?
    var isMarkdown = false

    /// The body. What is not set is left out.
    var json: [UInt8] {
        var writer = JSONWriter(reservingCapacity: message.utf8.count + 256)
        func text(_ name: String, _ value: String?) {
            guard let value else { return }
            writer.key(name)
            writer.string(value)
        }
        writer.beginObject()
        text("topic", topic)
        text("message", message)
        text("title", title)
        if let priority {
            writer.key("priority")
            writer.int(priority.level)
        }
        if !tags.isEmpty {
            writer.key("tags")
            writer.value(.array(tags.map(JSONValue.string)))
        }
        text("click", click)
        text("delay", delay)
        text("expires", expires)
        if isMarkdown {
            writer.key("markdown")
            writer.bool(true)
        }
        if let data {
            writer.key("data")
            writer.value(data)
        }
        text("key", key)
        writer.endObject()
        return writer.bytes
    }
}

/// Idempotency keys.
enum IdempotencyKey {
    private static let digits = Array("0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz")

    /// 22 random base-62 characters: 131 bits, which nobody else draws.
    static func random(using random: inout some RandomNumberGenerator) -> String {
        String((0..<22).map { _ in digits[Int.random(in: 0..<digits.count, using: &random)] })
    }

    /// What the protocol takes: 1–128 printable ASCII characters without blanks.
    static func isValid(_ key: String) -> Bool {
        (1...128).contains(key.utf8.count) && key.utf8.allSatisfy { (0x21...0x7E).contains($0) }
    }
}
