/// The registry: who is on the bus. The time is that of Redis, and whoever changes an entry names the boot that it takes the entry to have.
extension RedisScript {
    /// Enters a VM, in the place of whoever had its name, and tells on the name's channel.
    ///
    /// Keys: the set of names, the VM's hash. Arguments: name, boot, id, region, sockets, position, what is told. Answers: the position that was there.
    ///
    /// A user without the right to the channel is refused before anything is written.
    static let join = RedisScript(
        name: "join",
        source: """
            \(clock)
            local now = string.format('%.0f', clock())
            local before = redis.call('HGET', KEYS[2], 'position')
            redis.call('PUBLISH', ARGV[1], ARGV[7])
            redis.call('HSET', KEYS[2], 'boot', ARGV[2], 'id', ARGV[3], 'region', ARGV[4], 'sockets', ARGV[5],
                'position', ARGV[6], 'since', now, 'seen', now)
            redis.call('ZADD', KEYS[1], now, ARGV[1])
            return before
            """)

    /// Renews a VM's lease, or enters it again where nobody has its name.
    ///
    /// Keys: the set of names, the VM's hash, the meta hash. Arguments: name, boot, id, region, sockets, position. Answers: whether the name is the
    /// boot's, and the log's end.
    static let renew = RedisScript(
        name: "renew",
        source: """
            \(clock)
            \(head)
            local epoch, sequence = head(KEYS[3])
            local boot = redis.call('HGET', KEYS[2], 'boot')
            if boot and boot ~= ARGV[2] then return {0, epoch, sequence} end
            local now = string.format('%.0f', clock())
            if not boot then
                redis.call('HSET', KEYS[2], 'boot', ARGV[2], 'id', ARGV[3], 'region', ARGV[4], 'since', now)
            end
            redis.call('HSET', KEYS[2], 'sockets', ARGV[5], 'position', ARGV[6], 'seen', now)
            redis.call('ZADD', KEYS[1], now, ARGV[1])
            return {1, epoch, sequence}
            """)

    /// Removes a VM. Keys: the set of names, the VM's hash. Arguments: name, boot.
    static let leave = RedisScript(
        name: "leave",
        source: """
            if redis.call('HGET', KEYS[2], 'boot') ~= ARGV[2] then return 0 end
            redis.call('DEL', KEYS[2])
            redis.call('ZREM', KEYS[1], ARGV[1])
            return 1
            """)

    /// Removes those whose lease has run out: their age is looked at and they are removed in one step, so a boot that renews meanwhile stays.
    ///
    /// Keys: the set of names. Arguments: the lease in milliseconds, what the names of VMs' hashes begin with. Answers: the names removed.
    static let reap = RedisScript(
        name: "reap",
        source: """
            \(clock)
            local limit = string.format('(%.0f', clock() - tonumber(ARGV[1]))
            local names = redis.call('ZRANGEBYSCORE', KEYS[1], '-inf', limit)
            for _, name in ipairs(names) do
                redis.call('DEL', ARGV[2] .. name)
                redis.call('ZREM', KEYS[1], name)
            end
            return names
            """)

    /// Lists everyone. Keys: the set of names, the meta hash. Arguments: what the names of VMs' hashes begin with. Answers: the log's end, then of each:
    /// id, region, boot, sockets, position, since, seen.
    static let members = RedisScript(
        name: "members",
        source: """
            \(head)
            local epoch, sequence = head(KEYS[2])
            local reply = {epoch, sequence}
            for _, name in ipairs(redis.call('ZRANGE', KEYS[1], 0, -1)) do
                reply[#reply + 1] = redis.call('HMGET', ARGV[1] .. name, 'id', 'region', 'boot', 'sockets',
                    'position', 'since', 'seen')
            end
            return reply
            """)
}
