/// A script that Redis runs as one step.
struct RedisScript: Sendable, Hashable {
    let name: String
    let source: String

    static let all: [RedisScript] = [
        .append, .bounds, .join, .renew, .leave, .reap, .members, .setEntry, .extendEntry, .removeEntry, .listEntries,
    ]

    static func == (left: Self, right: Self) -> Bool { left.name == right.name }

    func hash(into hasher: inout Hasher) { hasher.combine(name) }
}

/// What several scripts have in common.
extension RedisScript {
    /// `clock()`: the time of Redis in milliseconds since 1970.
    static let clock = """
        local function clock()
            local time = redis.call('TIME')
            return tonumber(time[1]) * 1000 + math.floor(tonumber(time[2]) / 1000)
        end
        """

    /// `identifier(id)`: the two numbers of an entry's id.
    static let identifier = """
        local function identifier(id)
            local epoch, offset = string.match(id, '^(%d+)-(%d+)$')
            return tonumber(epoch), tonumber(offset)
        end
        """

    /// `head(meta)`: the epoch and the offset of the log's end.
    static let head = """
        local function head(meta)
            local state = redis.call('HMGET', meta, 'epoch', 'sequence')
            return tonumber(state[1] or 0), tonumber(state[2] or 0)
        end
        """
}
