import Broadcasting
import MessageBus
import StrictJSON

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// Reads CloudEvents 1.0 (CNCF): the JSON format in structured and batched mode, and HTTP's binary mode.
///
/// Text data becomes the alert's message, JSON data its `data`. The message is then the data's `message`, else the event's `subject`, else its
/// `type`. `severitynumber` sets the priority, `expirytime` the expiry. `source` and `id` together are the idempotency key where none is given, since
/// the specification makes them unique.
struct CloudEventIntake {
    private let intake: PublishIntake

    init(_ intake: PublishIntake) { self.intake = intake }

    func structured(_ input: PublishInput) throws(GatewayError) -> AlertRequest {
        try request(try PublishIntake.object(input.body), input)
    }

    func batch(_ input: PublishInput) throws(GatewayError) -> [AlertRequest] {
        let value: JSONValue
        do { value = try JSONValue.parse(input.body) } catch { throw GatewayError(error) }
        guard let events = value.arrayValue else {
            throw GatewayError(.invalidCloudEvent, "a batch has to be a JSON array")
        }
        guard events.count <= intake.limits.batch else {
            throw GatewayError(
                .tooManyAlerts, "the batch has \(events.count) events; at most \(intake.limits.batch) are taken")
        }
        var requests: [AlertRequest] = []
        for (index, event) in events.enumerated() {
            guard let object = event.objectValue else {
                throw GatewayError(.invalidCloudEvent, "event \(index) is not a JSON object")
            }
            requests.append(try request(object, input))
        }
        return requests
    }

    func binary(_ input: PublishInput) throws(GatewayError) -> AlertRequest {
        var members: [(key: String, value: JSONValue)] = []
        for (name, value) in input.fields.allHeaders where name.hasPrefix("ce-") {
            let decoded = String(decoding: PercentEncoding.decode(value.utf8), as: UTF8.self)
            members.append((String(name.dropFirst(3)), .string(decoded)))
        }
        if let type = input.fields.header("content-type") { members.append(("datacontenttype", .string(type))) }
        let attributes = JSONObject(members)
        if input.body.isEmpty { return try request(attributes, data: nil, input) }
        if Self.isJSON(input.mediaType) || input.mediaType.isEmpty {
            do { return try request(attributes, data: try JSONValue.parse(input.body), input) } catch let error
                as JSONError
            {
                if !input.mediaType.isEmpty { throw GatewayError(error) }
            } catch let error as GatewayError {
                throw error
            } catch {
                throw GatewayError(.internalError, "the data could not be read")
            }
        }
        guard let text = String(validating: input.body, as: UTF8.self) else { throw Self.binaryData }
        if input.mediaType.isEmpty { members.append(("datacontenttype", .string("text/plain"))) }
        return try request(JSONObject(members), data: .string(text), input)
    }

    private func request(_ event: JSONObject, _ input: PublishInput) throws(GatewayError) -> AlertRequest {
        var data = event["data"]
        if let encoded = event["data_base64"] {
            guard data == nil, let text = encoded.stringValue, let bytes = Data(base64Encoded: text) else {
                throw GatewayError(.invalidCloudEvent, "data_base64 has to be base64, and stand without data")
            }
            guard let decoded = String(validating: bytes, as: UTF8.self) else { throw Self.binaryData }
            let type = event["datacontenttype"]?.stringValue ?? ""
            data = .string(decoded)
            if Self.isJSON(type.prefix { $0 != ";" }.lowercased()) {
                do { data = try JSONValue.parse(decoded) } catch { throw GatewayError(error) }
            }
        }
        return try request(
            JSONObject(event.members.filter { $0.key != "data" && $0.key != "data_base64" }), data: data, input)
    }

    private func request(
        _ attributes: JSONObject, data: JSONValue?, _ input: PublishInput
    ) throws(GatewayError) -> AlertRequest {
        try check(attributes)
        var content = AlertContent(message: "")
        let object = data?.objectValue
        if case .string(let text)? = data {
            content.message = text
            if !AlertContent.isText(cloudEvent: attributes) { content.data = data }
        } else {
            content.data = data == .null ? nil : data
            content.message =
                object?["message"]?.stringValue ?? attributes["subject"]?.stringValue ?? attributes["type"]?.stringValue
                ?? ""
            content.title = object?["title"]?.stringValue.flatMap {
                $0.isEmpty ? nil : PublishIntake.cut($0, at: intake.limits.title)
            }
        }
        content.message = try intake.check(content.message, .message, at: intake.limits.text)
        content.priority = try priority(attributes)
        content.expires = try expiry(attributes, now: input.now)
        content.markdown = attributes["datacontenttype"]?.stringValue?.hasPrefix("text/markdown") ?? false
        content.cloudEvent = JSONObject(attributes.members.filter { $0.key != "specversion" })
        return AlertRequest(
            topic: try topic(attributes, input), content: content,
            key: try intake.key(FieldSource(request: input.fields)) ?? Self.key(attributes))
    }

    private func topic(_ attributes: JSONObject, _ input: PublishInput) throws(GatewayError) -> Topic {
        guard let name = input.topic ?? attributes["topic"]?.stringValue else {
            throw GatewayError(
                .invalidTopic, "a CloudEvent is published to a topic's path, or carries the extension topic")
        }
        return try intake.topic(name)
    }

    /// The rules of the specification's "Context Attributes".
    private func check(_ attributes: JSONObject) throws(GatewayError) {
        guard attributes["specversion"]?.stringValue == "1.0" else {
            throw GatewayError(.invalidCloudEvent, "specversion has to be 1.0")
        }
        for name in ["id", "source", "type"] where attributes[name]?.stringValue?.isEmpty != false {
            throw GatewayError(.invalidCloudEvent, "\(name) has to be a string that is not empty")
        }
        for (name, value) in attributes.members {
            guard name.utf8.allSatisfy(Self.isNameByte), !name.isEmpty else {
                throw GatewayError(.invalidCloudEvent, "an attribute's name has lower-case letters and digits only")
            }
            switch value {
            case .string, .bool: break
            case .number(let number) where number.int != nil: break
            default: throw GatewayError(.invalidCloudEvent, "\(name) has to be a string, a boolean or an integer")
            }
        }
    }

    /// OpenTelemetry's severity numbers, 1–24 in six ranges of four, as priorities.
    private func priority(_ attributes: JSONObject) throws(GatewayError) -> Priority? {
        guard let value = attributes["severitynumber"] else { return nil }
        guard let number = value.intValue ?? value.stringValue.flatMap({ Int($0) }), (1...24).contains(number) else {
            throw GatewayError(.invalidCloudEvent, "severitynumber is 1 to 24")
        }
        return Priority(rawValue: min(5, (number + 3) / 4))
    }

    private func expiry(_ attributes: JSONObject, now: WallTime) throws(GatewayError) -> Int64? {
        guard let text = attributes["expirytime"]?.stringValue else { return nil }
        guard let time = RFC3339.parse(text), time > now else {
            throw GatewayError(.invalidExpiry, "expirytime is an RFC 3339 timestamp in the future")
        }
        return time.seconds
    }

    /// `source` and `id`, shortened by a hash where they would be longer than a key may be.
    private static func key(_ attributes: JSONObject) -> String {
        KeyDigest.key("ce", [attributes["source"]?.stringValue ?? "", attributes["id"]?.stringValue ?? ""])
    }

    private static let binaryData = GatewayError(
        .unsupportedMedia, "the event's data is neither text nor JSON; alerts carry no binary data")

    private static func isJSON(_ mediaType: String) -> Bool {
        mediaType == "application/json" || mediaType == "text/json" || mediaType.hasSuffix("+json")
    }

    private static func isNameByte(_ byte: UInt8) -> Bool {
        (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte) || (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte)
    }
}
