/// The store: a value is there while Redis has its key, which Redis lets expire. Two sorted sets list a collection's keys, so that nothing has
/// to be searched for; they are written before a value and cleared after it, so they may have keys too many and never too few.
extension RedisScript {
    /// `forget(keys, expiries, prefix)`: takes keys whose values have expired out of the lists, some at a time.
    private static let forget = """
        local function forget(keys, expiries, prefix)
            local now = string.format('%.0f', clock())
            for _, key in ipairs(redis.call('ZRANGEBYSCORE', expiries, '-inf', now, 'LIMIT', 0, 100)) do
                if redis.call('EXISTS', prefix .. key) == 0 then
                    redis.call('ZREM', keys, key)
                    redis.call('ZREM', expiries, key)
                end
            end
        end
        """

    /// `enlist(keys, expiries, key, lifetime)`: puts a key into the lists.
    private static let enlist = """
        local function enlist(keys, expiries, key, lifetime)
            redis.call('ZADD', expiries, string.format('%.0f', clock() + tonumber(lifetime)), key)
            redis.call('ZADD', keys, 0, key)
        end
        """

    /// Puts a value.
    ///
    /// Keys: the value, the collection's keys, their expiries. Arguments: the key, the lifetime in milliseconds, what the names of values begin
    /// with, the value.
    static let setEntry = RedisScript(
        name: "setEntry",
        source: """
            \(clock)
            \(forget)
            \(enlist)
            enlist(KEYS[2], KEYS[3], ARGV[1], ARGV[2])
            redis.call('SET', KEYS[1], ARGV[4], 'PX', ARGV[2])
            forget(KEYS[2], KEYS[3], ARGV[3])
            return 1
            """)

    /// Lets an entry last longer.
    ///
    /// Keys: the value, the collection's keys, their expiries. Arguments: the key, the lifetime in milliseconds, what the names of values begin
    /// with. Answers: whether it is there.
    static let extendEntry = RedisScript(
        name: "extendEntry",
        source: """
            \(clock)
            \(forget)
            \(enlist)
            local left = redis.call('PTTL', KEYS[1])
            if left == -2 then return 0 end
            if left >= 0 and left < tonumber(ARGV[2]) then
                enlist(KEYS[2], KEYS[3], ARGV[1], ARGV[2])
                redis.call('PEXPIRE', KEYS[1], ARGV[2])
                forget(KEYS[2], KEYS[3], ARGV[3])
            end
            return 1
            """)

    /// Removes an entry. Keys: the value, the collection's keys, their expiries. Arguments: the key. Answers: whether it was there.
    static let removeEntry = RedisScript(
        name: "removeEntry",
        source: """
            local removed = redis.call('DEL', KEYS[1])
            redis.call('ZREM', KEYS[2], ARGV[1])
            redis.call('ZREM', KEYS[3], ARGV[1])
            return removed
            """)

    /// Lists entries.
    ///
    /// Keys: the collection's keys, their expiries. Arguments: what the names of values begin with, where to begin, as `ZRANGEBYLEX` has it, how
    /// many entries and how many bytes of values at most. Answers: keys and values by turns; nothing where there are more bytes.
    static let listEntries = RedisScript(
        name: "listEntries",
        source: """
            \(clock)
            \(forget)
            forget(KEYS[1], KEYS[2], ARGV[1])
            local start, limit, room = ARGV[2], 2 * tonumber(ARGV[3]), tonumber(ARGV[4])
            local reply = {}
            while true do
                local keys = redis.call('ZRANGEBYLEX', KEYS[1], start, '+', 'LIMIT', 0, 500)
                for _, key in ipairs(keys) do
                    local value = redis.call('GET', ARGV[1] .. key)
                    if value then
                        room = room - #value
                        if room < 0 then return false end
                        reply[#reply + 1] = key
                        reply[#reply + 1] = value
                        if #reply == limit then return reply end
                    end
                end
                if #keys < 500 then return reply end
                start = '(' .. keys[#keys]
            end
            """)
}
