import MessageBus

// What the store keeps.
extension RedisKeys {
    /// An entry's value, which Redis lets expire.
    func value(of name: StoreName) -> String { valuePrefix(of: name.collection) + name.key }

    /// What the names of a collection's values begin with.
    func valuePrefix(of collection: StoreCollection) -> String { "{\(namespace)}:store:\(collection):" }

    /// A sorted set of a collection's keys, all with the same score, so that they are in the order of their bytes. Some may have expired.
    func storeKeys(of collection: StoreCollection) -> String { "{\(namespace)}:store-keys:\(collection)" }

    /// A sorted set of the same keys by when they expire, in milliseconds.
    func storeExpiries(of collection: StoreCollection) -> String { "{\(namespace)}:store-expiries:\(collection)" }
}
