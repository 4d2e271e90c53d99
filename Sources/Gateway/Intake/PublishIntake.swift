import MessageBus
import StrictJSON

/// Reads publish requests: which of the forms in docs/protocol.md it is, and what it asks for. No I/O and no state.
struct PublishIntake: Sendable {
    /// What a request asks for, and whether it came as a batch, which is answered as one.
    struct Result: Sendable, Equatable {
        let requests: [AlertRequest]
        let isBatch: Bool
    }

    var limits = IntakeLimits()

    /// `POST`/`PUT /{topic}`, `POST`/`PUT /` and the query trigger.
    func read(_ input: PublishInput) throws(GatewayError) -> Result {
        switch input.mediaType {
        case "application/cloudevents+json":
            return Result(requests: [try CloudEventIntake(self).structured(input)], isBatch: false)
        case "application/cloudevents-batch+json":
            return Result(requests: try CloudEventIntake(self).batch(input), isBatch: true)
        default: break
        }
        if input.fields.header("ce-specversion") != nil {
            return Result(requests: [try CloudEventIntake(self).binary(input)], isBatch: false)
        }
        if let name = input.topic {
            let text = try Self.text(input.body)
            let request = try request(
                topic: try topic(name), fields: FieldSource(request: input.fields), text: text, now: input.now)
            return Result(requests: [request], isBatch: false)
        }
        let object = try Self.object(input.body)
        return Result(
            requests: [try self.request(object, fields: input.fields, now: input.now)], isBatch: false)
    }

    /// A request given as a JSON object: `POST /`, and the duplex protocol's `publish` where there are no other fields.
    func request(_ object: JSONObject, fields: RequestFields?, now: WallTime) throws(GatewayError) -> AlertRequest {
        guard let value = object["topic"] else { throw GatewayError(.invalidField, "topic is missing") }
        guard let name = value.stringValue else { throw GatewayError(.invalidField, "topic has to be a string") }
        let source = FieldSource(request: fields, object: object)
        return try request(topic: try topic(name), fields: source, text: nil, now: now)
    }

    private static let reservedNames = NameFilter(Route.reservedNames)

    func topic(_ name: String) throws(GatewayError) -> Topic {
        guard let topic = Topic(name) else {
            throw GatewayError(.invalidTopic, "a topic is 1 to 64 characters of a–z, A–Z, 0–9, - and _")
        }
        guard !(Self.reservedNames.mayContain(name) && Route.reservedNames.contains(name)) else {
            throw GatewayError(.reservedTopic, "\(name) is a route of this server and cannot be a topic")
        }
        return topic
    }

    private func request(
        topic: Topic, fields: FieldSource, text: String?, now: WallTime
    ) throws(GatewayError) -> AlertRequest {
        try refuseUnsupported(fields)
        var message = text ?? ""
        if let given = try fields.string(.message) { message = given }
        if message.isEmpty { message = "triggered" }
        let content = AlertContent(
            message: try check(message, .message, at: limits.text),
            title: try optional(fields.string(.title), .title, at: limits.title),
            priority: try priority(fields),
            tags: try tags(fields),
            click: try link(fields, .click),
            icon: try link(fields, .icon),
            markdown: try fields.bool(.markdown) ?? fields.isMarkdownBody,
            actions: try actions(fields),
            expires: try expiry(fields, now: now),
            data: fields.json(.data))
        return AlertRequest(
            topic: topic, content: content, key: try key(fields), due: try due(fields, now: now))
    }
}

// The fields.
extension PublishIntake {
    func key(_ fields: FieldSource) throws(GatewayError) -> String? {
        guard let key = try fields.string(.key) else { return nil }
        guard (1...128).contains(key.utf8.count), key.utf8.allSatisfy({ (0x21...0x7E).contains($0) }) else {
            throw GatewayError(.invalidKey, "an idempotency key is 1 to 128 printable ASCII characters without blanks")
        }
        return key
    }

    func check(_ text: String, _ field: Field, at limit: Int) throws(GatewayError) -> String {
        guard text.utf8.count <= limit else {
            throw GatewayError(.tooLarge, "\(field.name) has \(text.utf8.count) bytes; at most \(limit) are taken")
        }
        return text
    }

    /// At most `limit` bytes, cut between characters: for texts whose sender does not know of the limit.
    static func cut(_ text: String, at limit: Int) -> String {
        guard text.utf8.count > limit else { return text }
        var result = ""
        var size = 0
        for character in text {
            size += character.utf8.count
            guard size <= limit else { break }
            result.append(character)
        }
        return result
    }

    private func optional(_ text: String?, _ field: Field, at limit: Int) throws(GatewayError) -> String? {
        guard let text, !text.isEmpty else { return nil }
        return try check(text, field, at: limit)
    }

    private func priority(_ fields: FieldSource) throws(GatewayError) -> Priority? {
        guard let text = try fields.string(.priority), !text.isEmpty else { return nil }
        guard let priority = Priority(text) else {
            throw GatewayError(.invalidField, "priority is 1 to 5 or one of min, low, default, high, max, urgent")
        }
        return priority
    }

    private func tags(_ fields: FieldSource) throws(GatewayError) -> [String] {
        let tags = try fields.list(.tags).compactMap { entry in
            let tag = entry.trimmingBlanks()
            return tag.isEmpty ? nil : tag
        }
        guard tags.count <= limits.tags else {
            throw GatewayError(.invalidField, "tags has \(tags.count) entries; at most \(limits.tags) are taken")
        }
        guard tags.allSatisfy({ $0.utf8.count <= limits.tag }) else {
            throw GatewayError(.invalidField, "a tag has at most \(limits.tag) bytes")
        }
        return tags
    }

    private func link(_ fields: FieldSource, _ field: Field) throws(GatewayError) -> String? {
        guard let text = try optional(fields.string(field), field, at: limits.link) else { return nil }
        guard Self.isLink(text) else {
            throw GatewayError(.invalidField, "\(field.name) has to be an http or https URL")
        }
        return text
    }

    static func isLink(_ text: String) -> Bool {
        let lowered = text.prefix(8).lowercased()
        return (lowered.hasPrefix("http://") || lowered.hasPrefix("https://"))
            && text.unicodeScalars.allSatisfy { $0.value > 0x20 && $0.value != 0x7F }
    }

    private func actions(_ fields: FieldSource) throws(GatewayError) -> JSONValue? {
        guard let value = try fields.actions(.actions), !value.isNull else { return nil }
        guard let actions = value.arrayValue, actions.count <= limits.actions,
            actions.allSatisfy({ $0.objectValue != nil })
        else {
            throw GatewayError(
                .invalidField, "actions is a JSON array of at most \(limits.actions) objects, or ntfy's short form")
        }
        return actions.isEmpty ? nil : value
    }

    private func expiry(_ fields: FieldSource, now: WallTime) throws(GatewayError) -> Int64? {
        guard let text = try fields.string(.expires), !text.isEmpty else { return nil }
        guard let time = Moment.read(text, now: now), time > now else {
            throw GatewayError(.invalidExpiry, "expires is a duration such as 30m or Unix seconds, and in the future")
        }
        return time.seconds
    }

    private func due(_ fields: FieldSource, now: WallTime) throws(GatewayError) -> WallTime? {
        guard let text = try fields.string(.delay), !text.isEmpty else { return nil }
        let earliest = now.advanced(byMilliseconds: limits.delay.lowerBound)
        let latest = now.advanced(byMilliseconds: limits.delay.upperBound)
        guard let time = Moment.read(text, now: now), (earliest...latest).contains(time)
        else {
            throw GatewayError(
                .invalidDelay, "delay is a duration such as 30s, 10m, 2h or Unix seconds, 1 second to 3 days from now")
        }
        return time
    }

    private func refuseUnsupported(_ fields: FieldSource) throws(GatewayError) {
        for field in Field.unsupported where fields.mayHave(field) && fields.isPresent(field) {
            throw GatewayError(.unsupported, "\(field.name) is not supported")
        }
        if let cache = try fields.string(.cache), ["no", "0", "false"].contains(cache.lowercased()) {
            throw GatewayError(.unsupported, "cache: no is not supported; every alert can be replayed")
        }
    }

    static func text(_ body: [UInt8]) throws(GatewayError) -> String {
        guard let text = String(validating: body, as: UTF8.self) else {
            throw GatewayError(.invalidUTF8, "the body has to be UTF-8 text")
        }
        return text
    }

    static func object(_ body: [UInt8]) throws(GatewayError) -> JSONObject {
        let value: JSONValue
        do { value = try JSONValue.parse(body) } catch { throw GatewayError(error) }
        guard let object = value.objectValue else {
            throw GatewayError(.invalidJSON, "the body has to be a JSON object")
        }
        return object
    }
}
