public import MessageBus

/// A store that breaks one promise: what the suite has to catch.
public struct FaultyStore: SharedStore {
    public enum Fault: String, Sendable, CaseIterable {
        case forgetsReplacements
        case lastsForEver
        case lastsTooShort
        case revivesByExtending
        case doesNotExtend
        case shortensByExtending
        case saysRemoved
        case listsPastTheLimit
        case listsWithoutOrder
        case listsFromTheStart
        case leavesOut
        case takesLargeValues
        case listsAnySize
        case mixesCollections
    }

    private let store: any SharedStore
    private let fault: Fault

    public init(_ store: any SharedStore, fault: Fault) {
        self.store = store
        self.fault = fault
    }

    public func set(_ name: StoreName, _ value: [UInt8], lasting: Duration) async throws(BusError) {
        let name = mixed(name)
        switch fault {
        case .forgetsReplacements where try await store.value(of: name) != nil: return
        case .lastsForEver: try await store.set(name, value, lasting: StoreLimits.lifetime)
        case .lastsTooShort: try await store.set(name, value, lasting: lasting * 0.9)
        case .takesLargeValues: try await store.set(name, Array(value.prefix(StoreLimits.value)), lasting: lasting)
        default: try await store.set(name, value, lasting: lasting)
        }
    }

    public func value(of name: StoreName) async throws(BusError) -> [UInt8]? { try await store.value(of: mixed(name)) }

    public func extend(_ name: StoreName, lasting: Duration) async throws(BusError) -> Bool {
        let name = mixed(name)
        switch fault {
        case .doesNotExtend: return try await store.value(of: name) != nil
        case .revivesByExtending where try await store.value(of: name) == nil:
            try await store.set(name, [], lasting: lasting)
            return false
        case .shortensByExtending:
            guard let value = try await store.value(of: name) else { return false }
            try await store.set(name, value, lasting: lasting)
            return true
        default: return try await store.extend(name, lasting: lasting)
        }
    }

    public func remove(_ name: StoreName) async throws(BusError) -> Bool {
        let wasThere = try await store.remove(mixed(name))
        return fault == .saysRemoved || wasThere
    }

    public func entries(
        of collection: StoreCollection, after name: StoreName?, limit: Int
    ) async throws(BusError) -> [StoreEntry] {
        switch fault {
        case .listsPastTheLimit: try await store.entries(of: collection, after: name, limit: limit + 1)
        case .listsWithoutOrder: try await store.entries(of: collection, after: name, limit: limit).reversed()
        case .listsFromTheStart: try await store.entries(of: collection, after: nil, limit: limit)
        case .leavesOut: try await store.entries(of: collection, after: name, limit: limit).dropLast()
        case .listsAnySize: try await store.entries(of: collection, after: name, limit: min(limit, 256))
        default: try await store.entries(of: collection, after: name, limit: limit)
        }
    }

    private func mixed(_ name: StoreName) -> StoreName {
        guard fault == .mixesCollections, let collection = StoreCollection("all") else { return name }
        return StoreName(collection, name.key) ?? name
    }
}
