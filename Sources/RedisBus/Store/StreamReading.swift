import MessageBus

/// Reads the replies of the commands that read streams.
enum StreamReading {
    /// The entries that XREAD found in the one stream it was asked for; none where nothing came.
    static func entries(ofRead reply: RESPValue) throws(RedisFailure) -> [StoredAlert] {
        if reply == .null { return [] }
        guard let streams = reply.array, streams.count == 1, let stream = streams[0].array, stream.count == 2
        else { throw unexpected }
        return try entries(ofRange: stream[1])
    }

    /// The entries that XRANGE found.
    static func entries(ofRange reply: RESPValue) throws(RedisFailure) -> [StoredAlert] {
        guard let entries = reply.array else { throw unexpected }
        var alerts: [StoredAlert] = []
        alerts.reserveCapacity(entries.count)
        for entry in entries { alerts.append(try alert(entry)) }
        return alerts
    }

    /// An entry without a body is not one of ours; that it is no alert is found by who decodes it.
    private static func alert(_ entry: RESPValue) throws(RedisFailure) -> StoredAlert {
        guard let parts = entry.array, parts.count == 2, let id = parts[0].text else { throw unexpected }
        guard let position = Position(entryID: id) else {
            throw RedisFailure(
                .protocolError, "the log holds an entry that Crier did not write, \(id): the stream is to be deleted")
        }
        var body: [UInt8] = []
        var key: String?
        var healedFrom: Position?
        var predecessor: Position?
        // A deleted entry of a stream may come without fields.
        let fields = parts[1].array ?? []
        for index in stride(from: 0, to: fields.count - 1, by: 2) {
            let value = fields[index + 1]
            switch fields[index].text {
            case StreamField.body: body = value.bytes ?? []
            case StreamField.key: key = value.text
            case StreamField.healedFrom: healedFrom = value.text.flatMap { Position(entryID: $0) }
            case StreamField.predecessor: predecessor = value.text.flatMap { Position(entryID: $0) }
            default: break
            }
        }
        return StoredAlert(
            position: position, body: body, key: key, healedFrom: healedFrom, predecessor: predecessor)
    }

    private static var unexpected: RedisFailure {
        RedisFailure(.protocolError, "Redis answered a reading of the log in a form that there is not")
    }
}
