import Broadcasting
import MessageBus
import StrictJSON

/// A frame that the client of the duplex protocol sent.
struct DuplexRequest {
    enum Operation {
        /// `filter` replaces the socket's where it is given.
        case subscribe(topics: Interest.Topics, since: Since, filter: AlertFilter?)
        /// `nil`: all.
        case unsubscribe(topics: Interest.Topics?)
        case publish(AlertRequest)
        case authenticate(token: String)
        case ping
    }

    /// A frame that cannot be carried out, with its `ref` as far as it could be read.
    struct Refusal: Error {
        let ref: String?
        let error: GatewayError
    }

    let ref: String?
    let operation: Operation

    init(
        _ text: some Sequence<UInt8>, intake: PublishIntake, limits: ReadLimits, now: WallTime
    ) throws(Refusal) {
        let value: JSONValue
        do { value = try JSONValue.parse(text) } catch { throw Refusal(ref: nil, error: GatewayError(error)) }
        guard let frame = value.objectValue else {
            throw Refusal(ref: nil, error: GatewayError(.invalidJSON, "a frame has to be a JSON object"))
        }
        let given = frame["ref"]
        let ref = given?.stringValue.flatMap { $0.utf8.count <= 64 ? $0 : nil }
        self.ref = ref
        do throws(GatewayError) {
            if let given, !given.isNull, ref == nil {
                throw GatewayError(.invalidField, "ref has to be a string of at most 64 bytes")
            }
            operation = try Self.operation(frame, intake, limits, now)
        } catch {
            throw Refusal(ref: ref, error: error)
        }
    }

    private static func operation(
        _ frame: JSONObject, _ intake: PublishIntake, _ limits: ReadLimits, _ now: WallTime
    ) throws(GatewayError) -> Operation {
        switch frame["op"]?.stringValue {
        case "publish": return .publish(try intake.request(frame, fields: nil, now: now))
        case "subscribe":
            guard let topics = try topics(frame, limits) else {
                throw GatewayError(.invalidField, "topics has to be an array of topics")
            }
            return .subscribe(topics: topics, since: try since(frame, now), filter: try filter(frame))
        case "unsubscribe": return .unsubscribe(topics: try topics(frame, limits))
        case "auth":
            guard let token = frame["token"]?.stringValue else {
                throw GatewayError(.invalidField, "token has to be a string")
            }
            return .authenticate(token: token)
        case "ping": return .ping
        case .some:
            throw GatewayError(.unknownOperation, "op is none of subscribe, unsubscribe, publish, auth, ping")
        case nil: throw GatewayError(.unknownOperation, "op is missing")
        }
    }

    private static func topics(_ frame: JSONObject, _ limits: ReadLimits) throws(GatewayError) -> Interest.Topics? {
        guard let value = frame["topics"], !value.isNull else { return nil }
        let names = value.arrayValue?.compactMap(\.stringValue)
        guard let names, !names.isEmpty, names.count == value.arrayValue?.count else {
            throw GatewayError(.invalidField, "topics has to be an array of topics, not empty")
        }
        if names.contains("*") { return .all }
        guard names.allSatisfy({ !$0.contains(",") }) else {
            throw GatewayError(.invalidTopic, "a topic is 1 to 64 characters of a–z, A–Z, 0–9, - and _")
        }
        return try ReadRequest.topics(names.joined(separator: ","), limits)
    }

    private static func since(_ frame: JSONObject, _ now: WallTime) throws(GatewayError) -> Since {
        let text: String
        switch frame["since"] {
        case nil, .null: return .none
        case .string(let given): text = given
        case .number(let number): text = number.text
        default: text = "?"
        }
        guard let since = Since(text, now: now) else {
            throw GatewayError(
                .invalidSince,
                "since is an id of 12 characters, Unix seconds, a duration such as 10m, all, latest, latest:20 or none")
        }
        return since
    }

    private static func filter(_ frame: JSONObject) throws(GatewayError) -> AlertFilter? {
        guard let value = frame["filter"], !value.isNull else { return nil }
        guard let object = value.objectValue else {
            throw GatewayError(.invalidFilter, "filter has to be an object")
        }
        var filter = AlertFilter()
        for entry in try array(object, "priority") {
            let text = entry.intValue.map(String.init) ?? entry.stringValue ?? ""
            guard let priority = Priority(text) else {
                throw GatewayError(.invalidFilter, "filter.priority is an array of 1 to 5 or ntfy's names")
            }
            filter.priorities.insert(priority)
        }
        for entry in try array(object, "tags") {
            guard let tag = entry.stringValue else {
                throw GatewayError(.invalidFilter, "filter.tags is an array of strings")
            }
            filter.tags.insert(tag)
        }
        filter.title = try string(object, "title")
        filter.message = try string(object, "message")
        return filter
    }

    private static func string(_ object: JSONObject, _ name: String) throws(GatewayError) -> String? {
        guard let value = object[name], !value.isNull else { return nil }
        guard let text = value.stringValue else {
            throw GatewayError(.invalidFilter, "filter.\(name) has to be a string")
        }
        return text
    }

    private static func array(_ object: JSONObject, _ name: String) throws(GatewayError) -> [JSONValue] {
        guard let value = object[name], !value.isNull else { return [] }
        guard let array = value.arrayValue, array.count <= 64 else {
            throw GatewayError(.invalidFilter, "filter.\(name) has to be an array of at most 64 entries")
        }
        return array
    }
}
