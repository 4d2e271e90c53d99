extension RedisScript {
    /// Puts a batch at the log's end; with an empty batch, makes sure of the epoch.
    ///
    /// Keys: the stream, the meta hash, then, of each record in order, the key of its `healedFrom` and that of its idempotency key, where it has them.
    /// Arguments: the caller's `seen` (epoch, offset), the greatest number a position can have, the log's length, the lifetime of keys in seconds, the
    /// channel for hints, and four of each record: its body, `1` where it has a key, the key, and `healedFrom` or nothing.
    /// Answers: `WAIT` and milliseconds; or `OK`, whether an epoch began, the log's end, the epoch's predecessor, and of each record its position and
    /// whether it is a repetition.
    ///
    /// - An epoch lasts as long as the run of Redis (`master_replid` changes when it starts and when a replica is promoted) and what the stream says of
    ///   its own end agree with what was written last. So whatever was lost, the positions after it are never used twice.
    /// - Redis could be flushed and forget an epoch in the tick of the clock in which the epoch began, and number the next one the same. Therefore
    ///   nothing is put into an epoch before its tick is over.
    /// - The hint goes out where nobody waits for it, too: to find that out costs Redis what it costs to publish to nobody. Who may not publish it
    ///   still puts alerts into the log.
    /// - Redis checks memory, disk, replicas and its role at a script's first write, and not any more after it: here the first write is always one that it
    ///   refuses where memory is used up, and the stream's end was looked at before, so that nothing fails half way.
    static let append = RedisScript(
        name: "append",
        source: """
            \(clock)
            \(identifier)
            local log, meta = KEYS[1], KEYS[2]
            local seenEpoch, seenOffset, greatest = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3])
            local length, lifetime, hint = ARGV[4], ARGV[5], ARGV[6]
            local count = (#ARGV - 6) / 4

            local run = string.match(redis.call('INFO', 'replication'), 'master_replid:(%w+)')
            if not run then return redis.error_reply('ERR INFO replication does not name the run') end
            local milliseconds = clock() - 1735689600000
            local tick = math.max(0, math.floor(milliseconds / 100))

            local state = redis.call('HMGET', meta, 'epoch', 'sequence', 'run', 'before_epoch', 'before_sequence')
            local epoch, sequence = tonumber(state[1] or 0), tonumber(state[2] or 0)
            local beforeEpoch, beforeSequence = tonumber(state[4] or 0), tonumber(state[5] or 0)

            local lastEpoch, lastOffset, usedEpoch, usedOffset = 0, 0, 0, 0
            if redis.call('EXISTS', log) == 1 then
                local info = redis.call('XINFO', 'STREAM', log)
                for i = 1, #info, 2 do
                    if info[i] == 'last-generated-id' then usedEpoch, usedOffset = identifier(info[i + 1]) end
                    if info[i] == 'last-entry' and info[i + 1] then
                        lastEpoch, lastOffset = identifier(info[i + 1][1])
                    end
                end
            end

            local isWhole
            if sequence > 0 then
                isWhole = lastEpoch == epoch and lastOffset == sequence and usedEpoch == epoch and usedOffset == sequence
            else
                isWhole = usedEpoch < epoch and lastEpoch == beforeEpoch and lastOffset == beforeSequence
            end
            local isBehind = seenEpoch > epoch or (seenEpoch == epoch and seenOffset > sequence)
            local began = 0
            if state[3] ~= run or not isWhole or isBehind or sequence + count > greatest then
                epoch = math.max(tick, epoch + 1, usedEpoch + 1, seenEpoch + 1)
                if epoch > greatest then
                    return redis.error_reply('ERR the stream holds ids that Crier did not give it; delete ' .. log)
                end
                sequence, beforeEpoch, beforeSequence, began = 0, lastEpoch, lastOffset, 1
                redis.call('HSET', meta, 'epoch', string.format('%.0f', epoch), 'sequence', '0', 'run', run,
                    'before_epoch', string.format('%.0f', beforeEpoch),
                    'before_sequence', string.format('%.0f', beforeSequence))
            end
            if count > 0 and epoch == tick then return {'WAIT', 100 - milliseconds % 100} end

            local prefix = string.format('%.0f', epoch) .. '-'
            local function remember(key, id)
                local known = redis.call('GET', key)
                if known then return known end
                redis.call('SET', key, id, 'EX', lifetime)
            end
            local receipts = {}
            local key = 2
            local first = sequence
            for i = 7, #ARGV, 4 do
                local body, hasKey, name, from = ARGV[i], ARGV[i + 1] == '1', ARGV[i + 2], ARGV[i + 3]
                local id = prefix .. string.format('%.0f', sequence + 1)
                local known, healed = nil, nil
                if from ~= '' then
                    key = key + 1
                    healed = KEYS[key]
                    known = remember(healed, id)
                end
                if hasKey then
                    key = key + 1
                    if not known then
                        known = remember(KEYS[key], id)
                        if known and healed then redis.call('SET', healed, known, 'EX', lifetime) end
                    end
                end
                if known then
                    local knownEpoch, knownOffset = identifier(known)
                    receipts[#receipts + 1] = knownEpoch
                    receipts[#receipts + 1] = knownOffset
                    receipts[#receipts + 1] = 1
                else
                    local fields = {'\(StreamField.body)', body}
                    if hasKey then
                        fields[#fields + 1] = '\(StreamField.key)'
                        fields[#fields + 1] = name
                    end
                    if healed then
                        fields[#fields + 1] = '\(StreamField.healedFrom)'
                        fields[#fields + 1] = from
                    end
                    if sequence == 0 then
                        fields[#fields + 1] = '\(StreamField.predecessor)'
                        fields[#fields + 1] = string.format('%.0f-%.0f', beforeEpoch, beforeSequence)
                    end
                    redis.call('XADD', log, 'MAXLEN', '~', length, id, unpack(fields))
                    sequence = sequence + 1
                    receipts[#receipts + 1] = epoch
                    receipts[#receipts + 1] = sequence
                    receipts[#receipts + 1] = 0
                end
            end
            if sequence > first then
                redis.call('HSET', meta, 'sequence', string.format('%.0f', sequence))
                redis.pcall('PUBLISH', hint, '1')
            end
            local reply = {'OK', began, epoch, sequence, beforeEpoch, beforeSequence}
            for i = 1, #receipts do reply[6 + i] = receipts[i] end
            return reply
            """)
}
