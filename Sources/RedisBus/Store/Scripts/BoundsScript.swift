extension RedisScript {
    /// Says how far the log reaches, and where its newest alerts begin.
    ///
    /// Keys: the stream, the meta hash. Arguments: how many alerts. Answers: the floor, the start and the head, an epoch and an offset each.
    ///
    /// Offsets have no holes inside an epoch, so the start is counted, an epoch at a time, and nothing but the epochs' last entries is read.
    static let bounds = RedisScript(
        name: "bounds",
        source: """
            \(identifier)
            \(head)
            local log, count = KEYS[1], tonumber(ARGV[1])
            local headEpoch, headOffset = head(KEYS[2])
            local oldest = redis.call('XRANGE', log, '-', '+', 'COUNT', 1)
            if not oldest[1] then
                return {headEpoch, headOffset, headEpoch, headOffset, headEpoch, headOffset}
            end
            local floorEpoch, floorOffset = identifier(oldest[1][1])
            floorOffset = floorOffset - 1
            local epoch, offset = headEpoch, headOffset
            while count > offset and epoch > 0 do
                local limit = string.format('%.0f', epoch - 1)
                local before = redis.call('XREVRANGE', log, limit, '-', 'COUNT', 1)
                if not before[1] then break end
                count = count - offset
                epoch, offset = identifier(before[1][1])
            end
            offset = math.max(0, offset - count)
            if epoch < floorEpoch or (epoch == floorEpoch and offset < floorOffset) then
                epoch, offset = floorEpoch, floorOffset
            end
            return {floorEpoch, floorOffset, epoch, offset, headEpoch, headOffset}
            """)
}
