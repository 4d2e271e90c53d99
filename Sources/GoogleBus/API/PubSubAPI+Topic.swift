import NIOHTTP1
import StrictJSON

extension PubSubAPI {
    /// - Returns: `nil` where the topic is not there.
    func topic() async throws(PubSubError) -> TopicState? {
        let members: JSONObject
        do throws(PubSubError) {
            members = try await send {
                PubSubRequest(call: .getTopic, method: .GET, path: "projects/\($0)/\(topicPath)")
            }
        } catch {
            guard error.code == .notFound else { throw error }
            return nil
        }
        guard members["name"]?.stringValue != nil else { throw garbage("is no topic") }
        guard let retention = members["messageRetentionDuration"] else { return TopicState(messageRetention: nil) }
        guard let duration = retention.stringValue.flatMap(GoogleDuration.parse) else {
            throw garbage("is no topic: its retention is no time")
        }
        return TopicState(messageRetention: duration)
    }

    /// Makes the topic, in the region of the settings alone where they name one. One that is there already is left as it is.
    ///
    /// - Parameter retention: how long the topic keeps messages, read or not: from 10 minutes to 31 days.
    func createTopic(retention: Duration) async throws(PubSubError) {
        var body = JSONWriter(reservingCapacity: 256)
        body.beginObject()
        body.key("messageRetentionDuration")
        body.string(GoogleDuration.format(retention))
        if let region = configuration.region {
            body.key("messageStoragePolicy")
            body.beginObject()
            body.key("allowedPersistenceRegions")
            body.texts([region])
            body.endObject()
        }
        body.endObject()
        do throws(PubSubError) {
            _ = try await send {
                PubSubRequest(
                    call: .createTopic, method: .PUT, path: "projects/\($0)/\(topicPath)", body: body.bytes)
            }
        } catch {
            guard error.code == .alreadyExists else { throw error }
        }
    }

    /// Changes how long the topic keeps messages.
    func setTopicRetention(_ retention: Duration) async throws(PubSubError) {
        _ = try await send { project in
            var body = JSONWriter(reservingCapacity: 256)
            body.beginObject()
            body.key("topic")
            body.beginObject()
            body.key("name")
            body.string("projects/\(project)/topics/\(configuration.topic)")
            body.key("messageRetentionDuration")
            body.string(GoogleDuration.format(retention))
            body.endObject()
            body.key("updateMask")
            // The emulator knows fields by their names in Protocol Buffers only, where JSON has their other form.
            body.string(endpoints.isEmulator ? "message_retention_duration" : "messageRetentionDuration")
            body.endObject()
            return PubSubRequest(
                call: .updateTopic, method: .PATCH, path: "projects/\(project)/\(topicPath)", body: body.bytes)
        }
    }

    /// The topic's path in its project.
    var topicPath: String { "topics/" + configuration.topic.percentEncoded }
}
