public import MessageBus
import NIOCore

/// The store in the Redis that carries the bus, over the bus's connection. Entries expire by that server's clock.
///
/// Bounded by the server's `maxmemory`; overflow policy: while that is used up, `set` throws `.unavailable`.
public struct RedisSharedStore: SharedStore {
    private let log: RedisLogStore

    init(_ log: RedisLogStore) { self.log = log }

    public func set(_ name: StoreName, _ value: [UInt8], lasting: Duration) async throws(BusError) {
        try StoreLimits.check(value)
        _ = try await log.perform { log, deadline throws(RedisFailure) in
            var arguments = Self.arguments(name, lasting: lasting, in: log.keys)
            arguments.append(value)
            return try await log.run(
                .setEntry, keys: Self.keys(of: name, in: log.keys), arguments: arguments, by: deadline)
        }
    }

    public func value(of name: StoreName) async throws(BusError) -> [UInt8]? {
        try await log.perform { log, deadline throws(RedisFailure) in
            switch try await log.link.send(RedisCommand("GET", log.keys.value(of: name)), by: deadline) {
            case .bytes(let value): return value
            case .null: return nil
            default: throw Self.unexpected
            }
        }
    }

    public func extend(_ name: StoreName, lasting: Duration) async throws(BusError) -> Bool {
        try await log.perform { log, deadline throws(RedisFailure) in
            let reply = try await log.run(
                .extendEntry, keys: Self.keys(of: name, in: log.keys),
                arguments: Self.arguments(name, lasting: lasting, in: log.keys), by: deadline)
            guard let isThere = reply.number else { throw Self.unexpected }
            return isThere == 1
        }
    }

    public func remove(_ name: StoreName) async throws(BusError) -> Bool {
        try await log.perform { log, deadline throws(RedisFailure) in
            let reply = try await log.run(
                .removeEntry, keys: Self.keys(of: name, in: log.keys), arguments: RedisCommand(name.key), by: deadline)
            guard let wasThere = reply.number else { throw Self.unexpected }
            return wasThere == 1
        }
    }

    public func entries(
        of collection: StoreCollection, after name: StoreName?, limit: Int
    ) async throws(BusError) -> [StoreEntry] {
        let limit = StoreLimits.listing(limit)
        guard limit > 0 else { return [] }
        let reply = try await log.perform { log, deadline throws(RedisFailure) in
            var arguments = RedisCommand(log.keys.valuePrefix(of: collection), name.map { "(" + $0.key } ?? "-")
            arguments.append(limit)
            arguments.append(StoreLimits.listedBytes)
            return try await log.run(
                .listEntries, keys: [log.keys.storeKeys(of: collection), log.keys.storeExpiries(of: collection)],
                arguments: arguments, by: deadline)
        }
        if case .null = reply { throw StoreLimits.listingTooLarge }
        guard let parts = reply.array, parts.count.isMultiple(of: 2) else { throw Self.unexpected.busError }
        return stride(from: 0, to: parts.count, by: 2).compactMap { index in
            guard let name = parts[index].text.flatMap({ StoreName(collection, $0) }),
                let value = parts[index + 1].bytes
            else { return nil }
            return StoreEntry(name: name, value: value)
        }
    }

    private static func keys(of name: StoreName, in keys: RedisKeys) -> [String] {
        [keys.value(of: name), keys.storeKeys(of: name.collection), keys.storeExpiries(of: name.collection)]
    }

    private static func arguments(_ name: StoreName, lasting: Duration, in keys: RedisKeys) -> RedisCommand {
        var arguments = RedisCommand(name.key)
        arguments.append(StoreLimits.milliseconds(lasting))
        arguments.append(keys.valuePrefix(of: name.collection))
        return arguments
    }

    private static var unexpected: RedisFailure { RedisLogStore.unexpected }
}
