import MessageBus
import NIOCore

/// The readers of a shard that get the same bytes: same interest, same form. A batch is filtered and joined once for all of them.
final class Audience {
    struct Key: Hashable {
        let interest: Interest
        let form: WireForm
    }

    let key: Key
    private(set) var members: ContiguousArray<Reader> = []
    /// What the batch in hand has for it: the bytes of `joinedCount` alerts.
    private var joined = ByteBuffer()
    private var joinedCount = 0
    /// How many readers are bound to it, live or not.
    var bound = 0

    init(_ key: Key) { self.key = key }

    var interest: Interest { key.interest }

    func join(_ reader: Reader) {
        reader.audienceIndex = Int32(members.count)
        members.append(reader)
    }

    /// Takes a reader out; the last one takes its place.
    func leave(_ reader: Reader) {
        let index = Int(reader.audienceIndex)
        guard index >= 0 else { return }
        let last = members.removeLast()
        if last !== reader {
            members[index] = last
            last.audienceIndex = Int32(index)
        }
        reader.audienceIndex = -1
    }

    /// Joins an alert's bytes to the batch in hand.
    ///
    /// - Returns: whether this is the first of the batch.
    func add(_ alert: EncodedAlert, allocator: ByteBufferAllocator) -> Bool {
        joinedCount += 1
        let isFirst = joinedCount == 1
        if isFirst { joined = allocator.buffer(capacity: alert.json.count + 64) }
        key.form.append(alert, to: &joined)
        return isFirst
    }

    /// Takes the batch in hand.
    func takeJoined() -> (bytes: ByteBuffer, alerts: Int) {
        defer {
            joined = ByteBuffer()
            joinedCount = 0
        }
        return (joined, joinedCount)
    }
}
