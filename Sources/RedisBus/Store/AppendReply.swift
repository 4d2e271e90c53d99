import MessageBus

/// What the script that appends answers.
struct AppendReply: Sendable {
    enum Outcome {
        /// Nothing was done: the epoch's first tick is not over. It is worth trying again after so many milliseconds.
        case wait(Int64)
        case done(AppendReply)
    }

    /// Whether this call began the epoch.
    let began: Bool
    let state: LogState
    let receipts: [Receipt]
}

extension AppendReply.Outcome {
    private static let tick: Int64 = 100

    init(_ reply: RESPValue, records: Int) throws(RedisFailure) {
        guard let parts = reply.array else { throw RedisLogStore.unexpected }
        if parts.count == 2, parts[0].text == "WAIT", let milliseconds = parts[1].number {
            self = .wait(min(max(1, milliseconds), Self.tick))
            return
        }
        guard parts.count == 6 + 3 * records, parts[0].text == "OK",
            let head = Position(epoch: parts[2], offset: parts[3]),
            let predecessor = Position(epoch: parts[4], offset: parts[5])
        else { throw RedisLogStore.unexpected }
        var receipts: [Receipt] = []
        receipts.reserveCapacity(records)
        for index in stride(from: 6, to: parts.count, by: 3) {
            guard let position = Position(epoch: parts[index], offset: parts[index + 1]) else {
                throw RedisLogStore.unexpected
            }
            receipts.append(Receipt(position: position, isDuplicate: parts[index + 2].number == 1))
        }
        self = .done(
            AppendReply(
                began: parts[1].number == 1, state: LogState(head: head, predecessor: predecessor), receipts: receipts))
    }
}
