public import Logging
public import MessageBus

/// The bus that keeps the log in a Redis which all VMs share: a stream for the log, a channel of its own for each VM, and a registry with leases.
///
/// Needs Redis 5.0 or what speaks its protocol (users besides `default` need 6.0), with `maxmemory-policy noeviction`. An alert is as durable as the
/// server makes it: `appendonly yes` with `appendfsync always` loses nothing that was acknowledged when the server is killed; with other
/// settings, or at a fail-over to a replica that lagged, the end of the log may be lost, which is found, and healed by the VMs that hold it.
///
/// A user of its own needs the keys `{crier}:*`, the channels `ID_*` and `{crier}:hint`, and the commands `AUTH`, `SELECT`, `ROLE`, `INFO`,
/// `CLIENT SETNAME`, `SCRIPT LOAD`, `EVAL`, `EVALSHA`, `TIME`, `GET`, `SET`, `EXISTS`, `DEL`, `HGET`, `HMGET`, `HSET`, `XADD`, `XINFO STREAM`, `XRANGE`,
/// `XREVRANGE`, `XREAD` where reads may wait, `ZADD`, `ZRANGE`, `ZRANGEBYSCORE`, `ZREM`, `PUBLISH` and `SUBSCRIBE`; for the store besides
/// `PTTL`, `PEXPIRE` and `ZRANGEBYLEX`.
public enum RedisBus {
    /// A bus. Nothing is connected before it is used.
    ///
    /// - Parameters:
    ///   - url: `redis://`, `rediss://`, `unix://` or `redis+sentinel://`, with user, password and database.
    ///   - namespace: tells deployments that share a Redis apart; all keys begin with it in braces, so that a cluster keeps them in one slot.
    ///   - logCount: how many alerts the log keeps, at least; Redis trims it by whole blocks of about a hundred.
    public static func make(
        url: String, namespace: String = "crier", logCount: Int, logger: Logger
    ) throws(RedisURLError) -> SharedLogBus<RedisLogStore> {
        try makeWithStore(url: url, namespace: namespace, logCount: logCount, logger: logger).bus
    }

    /// A bus, and the store beside it, which has the bus's connection and ends with it.
    ///
    /// The parameters are those of `make`.
    public static func makeWithStore(
        url: String, namespace: String = "crier", logCount: Int, logger: Logger
    ) throws(RedisURLError) -> (bus: SharedLogBus<RedisLogStore>, store: RedisSharedStore) {
        let connector = try RedisConnector(RedisURL(url))
        let log = RedisLogStore(
            connector, keys: RedisKeys(namespace: namespace), logCount: logCount, logger: logger)
        return (SharedLogBus(store: log, logger: logger), RedisSharedStore(log))
    }
}
