import MessageBus
import NIOHTTP1
import StrictJSON

extension PubSubAPI {
    /// The most subscriptions that there can be of a topic, and more than the pages that they come in.
    private static let maxSubscriptions = 20_000
    private static let maxPages = 100

    /// Makes a subscription of the topic, with ordering, that keeps messages for 10 minutes and ends after a day without use.
    ///
    /// - Parameters:
    ///   - name: in the project, by the rules for topics' names.
    ///   - labels: up to 64, of up to 63 lowercase letters, digits, `-` and `_`, with names that begin with a letter.
    ///   - ackDeadline: in seconds, from 10 to 600: when a message that was handed over and not acknowledged is handed over again.
    /// - Throws: `.alreadyExists` where there is one of that name, whatever its topic is.
    func createSubscription(
        _ name: String, labels: [String: String], ackDeadline: Int = 10
    ) async throws(PubSubError) {
        _ = try await send { project in
            var body = JSONWriter(reservingCapacity: 512)
            body.beginObject()
            body.key("topic")
            body.string("projects/\(project)/topics/\(configuration.topic)")
            body.key("ackDeadlineSeconds")
            body.int(ackDeadline)
            body.key("retainAckedMessages")
            body.bool(false)
            body.key("messageRetentionDuration")
            body.string("600s")
            body.key("enableMessageOrdering")
            body.bool(true)
            body.key("expirationPolicy")
            body.beginObject()
            body.key("ttl")
            body.string("86400s")
            body.endObject()
            if !labels.isEmpty {
                body.key("labels")
                body.texts(labels)
            }
            body.endObject()
            return PubSubRequest(
                call: .createSubscription, method: .PUT, path: Self.path(of: name, in: project), body: body.bytes)
        }
    }

    /// - Returns: `nil` where the subscription is not there.
    func subscription(_ name: String) async throws(PubSubError) -> SubscriptionState? {
        let members: JSONObject
        do throws(PubSubError) {
            members = try await send {
                PubSubRequest(call: .getSubscription, method: .GET, path: Self.path(of: name, in: $0))
            }
        } catch {
            guard error.code == .notFound else { throw error }
            return nil
        }
        guard let state = SubscriptionState(members) else { throw garbage("is no subscription") }
        return state
    }

    /// - Returns: `false` where the subscription was not there.
    @discardableResult
    func deleteSubscription(_ name: String) async throws(PubSubError) -> Bool {
        do throws(PubSubError) {
            _ = try await send {
                PubSubRequest(call: .deleteSubscription, method: .DELETE, path: Self.path(of: name, in: $0))
            }
            return true
        } catch {
            guard error.code == .notFound else { throw error }
            return false
        }
    }

    /// The names of the topic's subscriptions in this project. Each page of them is a call of its own.
    func subscriptions() async throws(PubSubError) -> [String] {
        var names: [String] = []
        var page = ""
        for _ in 0..<Self.maxPages {
            var prefix = ""
            let query = "pageSize=1000" + (page.isEmpty ? "" : "&pageToken=" + page.percentEncoded)
            let members = try await send {
                prefix = "projects/\($0)/subscriptions/"
                return PubSubRequest(
                    call: .listSubscriptions, method: .GET, path: "projects/\($0)/\(topicPath)/subscriptions?\(query)")
            }
            guard let listed = [String](members["subscriptions"]) else { throw garbage("is no list of subscriptions") }
            // Other projects may have subscriptions of the topic.
            names += listed.filter { $0.hasPrefix(prefix) }.map { String($0.dropFirst(prefix.count)) }
            page = members["nextPageToken"]?.stringValue ?? ""
            if page.isEmpty { return names }
            guard names.count <= Self.maxSubscriptions else { break }
        }
        throw garbage("has no end: more than \(names.count) subscriptions of the topic")
    }

    /// Moves a subscription: what was published before this time counts as acknowledged, and what was published since does not, as far as it is kept.
    func seek(_ name: String, to time: WallTime) async throws(PubSubError) {
        var body = JSONWriter(reservingCapacity: 64)
        body.beginObject()
        body.key("time")
        body.string(RFC3339.format(time))
        body.endObject()
        _ = try await send {
            PubSubRequest(call: .seek, method: .POST, path: Self.path(of: name, in: $0) + ":seek", body: body.bytes)
        }
    }

    static func path(of subscription: String, in project: String) -> String {
        "projects/\(project)/subscriptions/\(subscription.percentEncoded)"
    }
}

extension [String] {
    /// - Returns: `nil` where something in it is not a text; nothing where there is no array.
    init?(_ value: JSONValue?) {
        self = []
        guard let value else { return }
        guard let elements = value.arrayValue else { return nil }
        reserveCapacity(elements.count)
        for element in elements {
            guard let text = element.stringValue else { return nil }
            append(text)
        }
    }
}
