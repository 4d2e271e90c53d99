import MessageBus

/// Who waits for a VM's own words to come back from the topic.
struct Echoes: Sendable {
    /// What came of a word.
    enum Echo: Sendable {
        case heard
        /// The name's last holder had reported this.
        case joined(previous: Position?)
        case placed([Receipt])
        case refused(PubSubError)
    }

    /// A batch of alerts, whose words have consecutive numbers; known by the first.
    private struct Batch: Sendable {
        var receipts: [Receipt?]
        var missing: Int
        let echo: Pending<Echo>
    }

    private var words: [UInt64: Pending<Echo>] = [:]
    private var batches: [UInt64: Batch] = [:]
    /// Which batch a number is of, by its first number.
    private var owners: [UInt64: UInt64] = [:]

    var awaitsAlerts: Bool { !batches.isEmpty }

    mutating func expect(_ number: UInt64) -> Pending<Echo> {
        let echo = Pending<Echo>()
        words[number] = echo
        return echo
    }

    mutating func expect(_ numbers: ClosedRange<UInt64>) -> Pending<Echo> {
        let echo = Pending<Echo>()
        batches[numbers.lowerBound] = Batch(
            receipts: Array(repeating: nil, count: numbers.count), missing: numbers.count, echo: echo)
        for number in numbers { owners[number] = numbers.lowerBound }
        return echo
    }

    mutating func heard(_ number: UInt64, _ echo: Echo = .heard) { words.removeValue(forKey: number)?.resolve(echo) }

    mutating func placed(_ number: UInt64, _ receipt: Receipt) {
        guard let owner = owners.removeValue(forKey: number) else { return }
        batches[owner]?.receipts[Int(number - owner)] = receipt
        batches[owner]?.missing -= 1
        guard batches[owner]?.missing == 0, let batch = batches.removeValue(forKey: owner) else { return }
        batch.echo.resolve(.placed(batch.receipts.compactMap { $0 }))
    }

    /// Pub/Sub does not take anything up to a number.
    mutating func refuse(upTo number: UInt64, _ error: PubSubError) {
        for waiting in words.keys where waiting <= number {
            words.removeValue(forKey: waiting)?.resolve(.refused(error))
        }
        for (first, batch) in batches where first <= number {
            batch.echo.resolve(.refused(error))
            forget(first...(first + UInt64(batch.receipts.count - 1)))
        }
    }

    /// Nobody waits for these any more.
    mutating func forget(_ numbers: ClosedRange<UInt64>) {
        batches[numbers.lowerBound] = nil
        words[numbers.lowerBound] = nil
        for number in numbers { owners[number] = nil }
    }
}
