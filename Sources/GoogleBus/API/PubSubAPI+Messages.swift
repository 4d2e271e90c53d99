import NIOHTTP1
import StrictJSON

extension PubSubAPI {
    private static let pullLimit = 33_554_432

    /// Publishes in one request, in order.
    ///
    /// - Parameter messages: up to 1,000, of 10 MB together; where there are none, nothing is sent.
    /// - Returns: the messages' ids, in order.
    /// - Throws: an error whose `isOutcomeUnknown` says whether they may have been published all the same.
    func publish(_ messages: [OutgoingMessage]) async throws(PubSubError) -> [String] {
        guard !messages.isEmpty else { return [] }
        var body = JSONWriter(reservingCapacity: messages.reduce(64) { $0 + $1.data.count * 4 / 3 + 256 })
        body.beginObject()
        body.key("messages")
        body.beginArray()
        for message in messages { body.message(message) }
        body.endArray()
        body.endObject()
        let answer = try await send {
            PubSubRequest(
                call: .publish, method: .POST, path: "projects/\($0)/\(topicPath):publish", body: body.bytes)
        }
        guard let ids = [String](answer["messageIds"]), ids.count == messages.count else {
            throw garbage("does not name the messages that were published")
        }
        return ids
    }

    /// Waits for messages and takes them, until their time to be acknowledged has passed.
    ///
    /// Where the call ends before the server has answered, by cancellation or by its time, messages may be left taken that nobody gets until then.
    /// Google's servers end the wait themselves in time; the emulator does so after 90 seconds only, so that `wait` should not be shorter there.
    ///
    /// - Parameters:
    ///   - limit: how many at most, from 1 to 1,000.
    ///   - wait: how long to wait for the first one; it may take three seconds more.
    /// - Returns: nothing where none came in time.
    func pull(_ name: String, atMost limit: Int, within wait: Duration) async throws(PubSubError) -> [ReceivedMessage] {
        var body = JSONWriter(reservingCapacity: 32)
        body.beginObject()
        body.key("maxMessages")
        body.int(min(max(limit, 1), 1000))
        body.endObject()
        let answer: JSONObject
        do throws(PubSubError) {
            answer = try await send {
                PubSubRequest(
                    call: .pull, method: .POST, path: Self.path(of: name, in: $0) + ":pull", body: body.bytes,
                    limit: Self.pullLimit, waiting: wait)
            }
        } catch {
            guard error.code == .deadlineExceeded else { throw error }
            return []
        }
        guard let received = answer["receivedMessages"] else { return [] }
        guard let elements = received.arrayValue else { throw garbage("is no list of messages") }
        var messages: [ReceivedMessage] = []
        messages.reserveCapacity(elements.count)
        for element in elements {
            guard let message = ReceivedMessage(element) else { throw garbage("holds what is no message") }
            messages.append(message)
        }
        return messages
    }

    /// Acknowledges messages, which do not come again then. In several requests where Google's bounds ask for it, each of which is a call of its own.
    func acknowledge(_ ackIDs: [String], on name: String) async throws(PubSubError) {
        for batch in AckBatches(ackIDs) {
            var body = JSONWriter(reservingCapacity: batch.reduce(32) { $0 + $1.utf8.count + 3 })
            body.beginObject()
            body.key("ackIds")
            body.texts(batch)
            body.endObject()
            _ = try await send {
                PubSubRequest(
                    call: .acknowledge, method: .POST, path: Self.path(of: name, in: $0) + ":acknowledge",
                    body: body.bytes)
            }
        }
    }
}
