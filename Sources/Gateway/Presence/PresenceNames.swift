import MessageBus

/// The names of one process's presence entries: `<VM id>-<boot>-<part>`, so that its predecessor's are others.
struct PresenceNames: Sendable {
    static let collection = {
        guard let collection = StoreCollection("presence") else { preconditionFailure("a collection's name") }
        return collection
    }()

    /// The most parts that a record has.
    static let maximumParts = 100_000

    private let prefix: String

    /// A boot that no key can have is replaced by a random one: it only has to be this process's.
    init(vm: VMIdentity) {
        let prefix = "\(vm.id)-\(vm.boot)-"
        let isKey = StoreName(Self.collection, prefix + String(Self.maximumParts)) != nil
        self.prefix = isKey ? prefix : "\(vm.id)-\(String(UInt64.random(in: 0 ... .max), radix: 36))-"
    }

    /// - Parameter part: counted from none.
    /// - Throws: `.tooLarge` where a record has no such part.
    func name(of part: Int) throws(BusError) -> StoreName {
        guard part < Self.maximumParts, let name = StoreName(Self.collection, prefix + String(part)) else {
            throw BusError(.tooLarge, "a presence record of more than \(Self.maximumParts) parts")
        }
        return name
    }

    func isOwn(_ name: StoreName) -> Bool {
        name.key.hasPrefix(prefix) && name.key.dropFirst(prefix.count).allSatisfy(\.isWholeNumber)
    }
}
