import MessageBus

/// A batch as the publish function takes it: none of its records repeats another one's key or healed position.
struct AppendBatch {
    private struct Key: Hashable {
        let topic: Topic
        let key: String
    }

    /// What is sent.
    private(set) var distinct: [LogRecord] = []
    /// For each record of the batch, which of `distinct` it is, and whether it repeats that one.
    private var places: [(index: Int, isRepetition: Bool)] = []

    init(_ records: [LogRecord]) {
        var keys: [Key: Int] = [:]
        var healed: [Position: Int] = [:]
        for record in records {
            let key = record.draft.key.map { Key(topic: record.draft.topic, key: $0) }
            let known = key.flatMap { keys[$0] } ?? record.healedFrom.flatMap { healed[$0] }
            let index = known ?? distinct.count
            if known == nil { distinct.append(record) }
            if let key { keys[key] = index }
            if let position = record.healedFrom { healed[position] = index }
            places.append((index, known != nil))
        }
    }

    /// The publish function's first five parameters.
    var parameters: [PostgresParameter] {
        [
            .bytesArray(distinct.map(\.draft.encoded)),
            .textArray(distinct.map(\.draft.topic.name)),
            .bytesArray(distinct.map { $0.draft.key.map { Array($0.utf8) } }),
            .integerArray(distinct.map { $0.healedFrom.map { Int64($0.epoch) } }),
            .integerArray(distinct.map { $0.healedFrom.map { Int64($0.offset) } }),
        ]
    }

    /// The receipts of the whole batch from those of `distinct`.
    func receipts(_ rows: PostgresRows) throws(PostgresFailure) -> [Receipt] {
        let distinctReceipts = try rows.map { row throws(PostgresFailure) in
            Receipt(position: try row.requiredPosition(0), isDuplicate: try row.flag(2))
        }
        guard distinctReceipts.count == distinct.count else {
            throw .unexpected("\(distinctReceipts.count) receipts for \(distinct.count) alerts")
        }
        return places.map { place in
            let receipt = distinctReceipts[place.index]
            return Receipt(
                position: receipt.position, isDuplicate: receipt.isDuplicate || place.isRepetition)
        }
    }
}
