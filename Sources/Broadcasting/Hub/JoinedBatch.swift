import NIOCore

/// A batch's bytes as its audiences get them: those that selected the same alerts in the same form share one buffer, joined once.
///
/// With many audiences that differ in topics which the batch does not have, nearly all of them select the same.
struct JoinedBatch {
    private struct Key: Hashable {
        let form: WireForm
        let selection: [UInt16]
    }

    private let alerts: [EncodedAlert]
    private let allocator: ByteBufferAllocator
    private var joined: [Key: ByteBuffer] = [:]
    /// The one asked for last, which is most often the one asked for next.
    private var last: (key: Key, bytes: ByteBuffer)?

    init(_ alerts: [EncodedAlert], allocator: ByteBufferAllocator) {
        self.alerts = alerts
        self.allocator = allocator
    }

    /// - Parameter selection: places in the batch, in order, at least one.
    mutating func bytes(of selection: [UInt16], in form: WireForm) -> ByteBuffer {
        if let last, last.key.form == form, last.key.selection == selection { return last.bytes }
        let key = Key(form: form, selection: selection)
        let bytes = joined[key] ?? join(key)
        last = (key, bytes)
        return bytes
    }

    private mutating func join(_ key: Key) -> ByteBuffer {
        let size = key.selection.reduce(0) { $0 + alerts[Int($1)].json.count + 32 }
        var buffer = allocator.buffer(capacity: size)
        for index in key.selection { key.form.append(alerts[Int(index)], to: &buffer) }
        joined[key] = buffer
        return buffer
    }
}
